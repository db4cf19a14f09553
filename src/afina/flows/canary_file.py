"""`afina canary replay`: a file of what was seen of users → what a canary's test says of it, at every event. No database, no project."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.files.rows import SourceRow, stream_rows
from afina.release.canary import DRAWS, Look, look
from afina.release.events import Observed, events_of
from afina.settings import ReleaseSettings

SIDES = {
    "canary": True, "treatment": True, "candidate": True, "new": True, "b": True,
    "production": False, "control": False, "champion": False, "old": False, "a": False,
}  # fmt: skip
"""What the two sides are called."""
GOOD = {"accepted": 1.0, "liked": 1.0, "up": 1.0, "corrected": 0.0, "disliked": 0.0, "rejected": 0.0, "down": 0.0}
"""Feedback in words, as the share of it that is good."""


@dataclass(slots=True)
class Replay:
    """What the file said, and what follows from it."""

    found: Look
    lines: list[int] = field(default_factory=list)
    """Of each event."""
    shares: tuple[float, ...] = ()
    guessed: bool = False
    """Whether the share is the part of the users who met the canary, for want of a better one."""
    moved_back: int = 0
    """Users who met production after the canary: they were not kept where they were."""
    backwards: int = 0
    """Times that are before the one above; the order of the lines counts."""

    @property
    def action(self) -> str:
        """How it ends: `roll_back`, `promote` or `wait`."""
        harmful, proven = self.found.harmful_at, self.found.proven_at
        if harmful is not None and (proven is None or harmful <= proven):
            return "roll_back"
        return "promote" if proven is not None else "wait"

    @property
    def event(self) -> int | None:
        """Number of the event that decided, from 0."""
        return {"roll_back": self.found.harmful_at, "promote": self.found.proven_at}.get(self.action)

    @property
    def line(self) -> int | None:
        """Its line."""
        return self.lines[self.event] if self.event is not None else None


def replay_file(path: Path, rules: ReleaseSettings, *, share: float | None = None) -> Replay:
    """Read the file and look after every line.

    Raises:
        InputError: a line is malformed, names it; or only one side was ever met.
    """
    rows, done = [], Replay(found=look({}, rules))
    met: dict[str, bool] = {}
    last: Any = None
    for line, row, at in read_events(path, share):
        done.lines.append(line)
        done.moved_back += met.get(row.user, False) and not row.canary
        met[row.user] = met.get(row.user, False) or row.canary
        done.backwards += comparable(last, at) and at < last
        last = at if at is not None else last
        rows.append(row)
    for side, name in ((True, "canary"), (False, "production")):
        if not any(row.canary is side for row in rows):
            raise InputError(f"{path}: nobody met the {name}: there is nothing to compare")
    if any(row.share == 0.0 for row in rows):
        guess = sum(met.values()) / len(met)
        if not 0 < guess < 1:
            raise InputError(f"{path}: every user met both sides", remedy="say the canary's share: --share 0.2")
        rows, done.guessed = [replace(row, share=row.share or guess) for row in rows], True
    done.shares = tuple(sorted({row.share for row in rows}))
    done.found = look(events_of(rows), rules)
    return done


def comparable(one: Any, other: Any) -> bool:
    """Whether two times are of one kind."""
    return type(one) is type(other) and isinstance(one, str | int | float)


def read_events(path: Path, share: float | None) -> Iterator[tuple[int, Observed, Any]]:
    """Line, what was seen, when.

    Raises:
        InputError: a line is malformed; names it.
    """
    for raw in stream_rows(path):
        row = SourceRow(
            raw.line, {name: plain(value) if name in NUMBERS else value for name, value in raw.values.items()}
        )
        where = f"{path}, line {row.line}"
        user = row.values.get("user")
        if not isinstance(user, str | int) or isinstance(user, bool) or user == "":
            raise InputError(f"{where}: `user` is needed, a text or a number", remedy="one user counts once: name them")
        part = row.values.get("share", share)
        if part is not None and not (is_number(part) and 0 < part < 1):
            raise InputError(f"{where}: `share` must be a number between 0 and 1, not {part!r}")
        seen = Observed(
            str(user), side_of(row, where), float(part or 0.0), {DRAWS: 0.0, **values_of(row.values, where)}
        )
        yield row.line, seen, row.values.get("at")


def plain(value: Any) -> Any:
    """A cell of a table as the value that it stands for; an empty one is none. Names are left as they are: 1e3 is another user than 1000."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    try:
        return float(value)
    except ValueError:
        return value


def side_of(row: SourceRow, where: str) -> bool:
    """Whether the draw fell on the canary.

    Raises:
        InputError: it is not said.
    """
    said = row.values.get("arm", row.values.get("variant", row.values.get("canary")))
    found = said if isinstance(said, bool) else SIDES.get(str(said).lower())
    if found is None:
        raise InputError(f"{where}: `arm` must be canary or production, not {said!r}")
    return found


def values_of(values: Mapping[str, Any], where: str) -> dict[str, float]:
    """Every measure that the line says something of, as harm.

    Raises:
        InputError: a value is out of its bounds; names the field.
    """
    found: dict[str, float] = {}
    for name, (measure, harm) in FIELDS.items():
        given = values.get(name)
        if given is None or given == "":
            continue
        try:
            found[measure] = harm(given)
        except (TypeError, ValueError) as exc:
            raise InputError(f"{where}: `{name}`: {exc}") from exc
    return found


def is_number(value: Any) -> bool:
    """A number that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def truth(value: Any) -> float:
    """True or false, as 1 or 0."""
    if isinstance(value, bool) or value in (0, 1):
        return float(value)
    raise ValueError(f"must be true or false, not {value!r}")


def amount(value: Any) -> float:
    """A number from 0 on."""
    if is_number(value) and value >= 0:
        return float(value)
    raise ValueError(f"must be a number from 0 on, not {value!r}")


def of_five(value: Any) -> float:
    """1 to 5, as harm."""
    if is_number(value) and 1 <= value <= 5:
        return (5 - float(value)) / 4
    raise ValueError(f"must be 1 to 5, not {value!r}")


def unkind(value: Any) -> float:
    """Feedback in words, or 1 for good and 0 for bad, as harm."""
    if isinstance(value, str) and value.lower() in GOOD:
        return 1 - GOOD[value.lower()]
    if isinstance(value, bool) or (is_number(value) and 0 <= value <= 1):
        return 1 - float(value)
    raise ValueError(f"must be one of {', '.join(GOOD)}, or 0 to 1 with 1 for good, not {value!r}")


FIELDS: dict[str, tuple[str, Callable[[Any], float]]] = {
    "ok": ("errors", lambda v: 1 - truth(v)), "error": ("errors", lambda v: 1.0 if isinstance(v, str) else truth(v)),
    "errors": ("errors", truth), "latency_ms": ("latency", amount), "latency": ("latency", amount), "cost": ("cost", amount),
    "feedback": ("feedback", unkind), "liked": ("feedback", lambda v: 1 - truth(v)), "accepted": ("feedback", lambda v: 1 - truth(v)),
    "quality": ("implicit", of_five), "implicit": ("implicit", of_five), "rating": ("csat", of_five), "csat": ("csat", of_five),
    "recontact": ("recontact", truth),
}  # fmt: skip
"""Field of a line → measure, and its value as harm."""
NUMBERS = frozenset({*FIELDS, "share", "canary"})
"""Fields whose texts stand for numbers or for true and false."""
