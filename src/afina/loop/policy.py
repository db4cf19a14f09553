"""Where a task stands → what comes next. The first row of the table that holds decides; the last leads back to the first."""

from collections.abc import Callable
from dataclasses import dataclass

from afina.records import Outcome, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What there is of a task, stage by stage. None or False = not yet."""

    messages: int = 0
    kept: int = 0
    dataset: str | None = None
    run: RunState | None = None
    """Of the newest run on that dataset."""
    version: str | None = None
    """Of that run."""
    outcome: Outcome | None = None
    """Of the verdict about that version."""
    canary: bool = False
    live: str | None = None
    """The version in production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The command that comes next, and why."""

    command: str
    because: str


Row = tuple[Callable[[Standing], bool], str, str]
TABLE: tuple[Row, ...] = (
    (lambda s: s.canary, "afina release --settle", "a canary meets users: its traffic decides"),
    (lambda s: s.messages == 0, "afina import FILE", "there is nothing to learn from"),
    (lambda s: s.kept == 0, "afina curate", "nothing has passed the quality rules; `afina review` adds decisions"),
    (lambda s: s.dataset is None, "afina freeze", "examples are kept and not frozen"),
    (lambda s: s.run is None, "afina train", "the dataset has no training"),
    (lambda s: s.run is not RunState.DONE, "afina train --resume", "the last training did not end"),
    (lambda s: s.version is None, "afina export", "the trained adapter is no served file yet"),
    (lambda s: s.outcome is None, "afina evaluate", "the version was not judged"),
    (lambda s: s.live == s.version, "afina review", "the newest version is live: decisions on its answers teach the next"),
    (lambda s: s.outcome is Outcome.GO, "afina release", "the version got a go"),
    (lambda _: True, "afina review", "the version got no go: more and better decisions are needed"),
)  # fmt: skip
"""Condition → command, reason. In order."""


def next_step(standing: Standing) -> Step:
    """What comes next."""
    command, because = next((command, because) for holds, command, because in TABLE if holds(standing))
    return Step(command=command, because=because)
