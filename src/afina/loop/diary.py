"""What the loop did and when, by its own clock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from afina.ids import RunId
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.loop")
DONE, FAILED, SKIPPED, BEGUN = "done", "failed", "skipped", "begun"
KIN = {"resume": "train"}
"""Steps that are one thing when it comes to failing."""
KILLED = 3
"""So often a step may be begun without an end, by kills, until it counts as failed."""


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
    """Step → when it was done last, and when it failed last, or was killed too often."""

    done: dict[str, datetime]
    failed: dict[str, datetime]
    skipped: tuple[str, datetime] | None

    def hours(self, now: datetime) -> dict[str, float]:
        """Hours since each step was done; never negative, clocks are set back."""
        return {step: since(at, now) for step, at in self.done.items()}

    def hours_failed(self, now: datetime) -> dict[str, float]:
        """Hours since each step failed that has not been done since. Training and going on with it are one."""
        found: dict[str, float] = {}
        for step, at in self.failed.items():
            kin = [one for one in self.done if KIN.get(one, one) == KIN.get(step, step)]
            if all(self.done[one] < at for one in kin):
                names = [step, *(one for one in KIN if KIN[one] == step), *([KIN[step]] if step in KIN else [])]
                found |= {name: min(since(at, now), found.get(name, since(at, now))) for name in names}
        return found


def since(at: datetime, now: datetime) -> float:
    """Hours."""
    return max(0.0, (now - at).total_seconds() / 3600)


def last(session: Connection, *, task: str) -> Last:
    """Each step's last line."""
    rows = session.execute(QUERIES["last_events"], {"task": task}).fetchall()
    killed = session.execute(QUERIES["unfinished"], {"task": task, "often": KILLED}).fetchall()
    skipped = next(((row["because"], row["at"]) for row in rows if row["outcome"] == SKIPPED), None)
    failed = {row["step"]: row["at"] for row in rows if row["outcome"] == FAILED}
    return Last(
        {row["step"]: row["at"] for row in rows if row["outcome"] == DONE},
        failed | {row["step"]: max(row["at"], failed.get(row["step"], row["at"])) for row in killed},
        skipped,
    )


def was_tried(session: Connection, version: str) -> bool:
    """Whether a version was ever put before users."""
    row = session.execute(QUERIES["was_tried"], {"version": version}).fetchone()
    return bool(row and row["tried"])


def run_of(session: Connection, dataset: str) -> RunId | None:
    """The newest run on a dataset."""
    row = session.execute(QUERIES["run_of"], {"dataset": dataset}).fetchone()
    return RunId(row["id"]) if row else None


def has_successor(session: Connection, dataset: str) -> bool:
    """Whether a later dataset was frozen, though its rows may have been erased."""
    row = session.execute(QUERIES["has_successor"], {"dataset": dataset}).fetchone()
    return bool(row and row["later"])
