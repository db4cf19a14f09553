"""What the loop did and when, by its own clock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.loop")
DONE, FAILED, SKIPPED = "done", "failed", "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One step, or none (`skip`), in one sentence."""

    step: str
    outcome: str
    because: str
    at: datetime
    numbers: dict[str, Any] = field(default_factory=dict)


def write(session: Connection, happened: Happened, *, task: str) -> None:
    """Add a line."""
    session.execute(
        QUERIES["add_event"],
        {
            "task": task,
            "step": happened.step,
            "outcome": happened.outcome,
            "because": happened.because,
            "numbers": Jsonb(happened.numbers),
            "at": happened.at,
        },
    )


def read(session: Connection, *, task: str, limit: int) -> list[Happened]:
    """The newest first."""
    return [Happened(**row) for row in session.execute(QUERIES["events"], {"task": task, "limit": limit}).fetchall()]


@dataclass(frozen=True, slots=True)
class Last:
    """Step → when it was done last, and when it failed last."""

    done: dict[str, datetime]
    failed: dict[str, datetime]
    skipped: tuple[str, datetime] | None

    def hours(self, now: datetime) -> dict[str, float]:
        """Hours since each step was done; never negative, clocks are set back."""
        return {step: since(at, now) for step, at in self.done.items()}

    def hours_failed(self, now: datetime) -> dict[str, float]:
        """Hours since each step failed that has not been done since."""
        return {
            step: since(at, now) for step, at in self.failed.items() if step not in self.done or self.done[step] < at
        }


def since(at: datetime, now: datetime) -> float:
    """Hours."""
    return max(0.0, (now - at).total_seconds() / 3600)


def last(session: Connection, *, task: str) -> Last:
    """Each step's last line."""
    rows = session.execute(QUERIES["last_events"], {"task": task}).fetchall()
    skipped = next(((row["because"], row["at"]) for row in rows if row["outcome"] == SKIPPED), None)
    return Last(
        {row["step"]: row["at"] for row in rows if row["outcome"] == DONE},
        {row["step"]: row["at"] for row in rows if row["outcome"] == FAILED},
        skipped,
    )


def was_tried(session: Connection, version: str) -> bool:
    """Whether a version was ever put before users."""
    row = session.execute(QUERIES["was_tried"], {"version": version}).fetchone()
    return bool(row and row["tried"])
