"""What follows what: the circle on one page. In each table the first row that holds decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

from afina.records import Outcome, RunState
from afina.settings import LoopSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What there is of a task, stage by stage. None or False = not yet."""

    messages: int = 0
    kept: int = 0
    dataset: str | None = None
    superseded: bool = False
    """Whether a later dataset was frozen: its rows were erased."""
    run: RunState | None = None
    """Of the newest run on that dataset."""
    version: str | None = None
    """Of that run."""
    outcome: Outcome | None = None
    """Of the verdict about that version."""
    because: str = ""
    """Of that verdict."""
    canary: bool = False
    tried: bool = False
    """Whether that version was ever put before users."""
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
    (lambda s: s.outcome is Outcome.GO and s.tried, "afina review", "the newest version was withdrawn: decisions on its answers teach the next"),
    (lambda s: s.outcome is Outcome.GO, "afina release", "the version got a go"),
    (lambda _: True, "afina review", "the version got no go: more and better decisions are needed"),
)  # fmt: skip
"""For people. Condition → command, reason."""


def next_step(standing: Standing) -> Step:
    """What comes next."""
    command, because = next((command, because) for holds, command, because in TABLE if holds(standing))
    return Step(command=command, because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where the loop stands: the task, the new evidence in a sentence, the clock, and who else needs the machine."""

    standing: Standing
    rules: LoopSettings
    enough: bool = False
    evidence: str = ""
    busy: str = ""
    """Why nothing heavy may be done now."""
    hours: Mapping[str, float] = field(default_factory=dict)
    """Step → hours since it was done last."""
    failed: Mapping[str, float] = field(default_factory=dict)
    """Step → hours since it failed, where it has not been done since."""

    def since(self, step: str) -> float:
        """Hours since a step was done; for ever if it never was."""
        return self.hours.get(step, inf)


def is_untrained(now: Situation) -> bool:
    """Whether the newest dataset waits to be learnt."""
    standing = now.standing
    return standing.dataset is not None and standing.run is None and not (standing.canary or standing.superseded)


HEAVY = frozenset({"freeze", "train", "resume", "export", "evaluate"})
"""Steps that need the whole machine."""
LoopRow = tuple[str, Callable[[Situation], bool], Callable[[Situation], str]]
LOOP: tuple[LoopRow, ...] = (
    ("resume", lambda s: s.standing.run in {RunState.RUNNING, RunState.FAILED, RunState.PLANNED}, lambda _: "the last training did not end"),
    ("export", lambda s: s.standing.run is RunState.DONE and s.standing.version is None, lambda _: "the trained adapter is no served file yet"),
    ("evaluate", lambda s: s.standing.version is not None and s.standing.outcome is None, lambda _: "the version was not judged"),
    ("release", lambda s: s.standing.outcome is Outcome.GO and not (s.standing.tried or s.standing.canary), lambda s: s.standing.because),
    ("curate", lambda s: s.standing.messages > 0 and s.since("curate") >= s.rules.curate_every_hours, lambda _: "the daily curation is due"),
    ("train", is_untrained, lambda _: "the dataset has no training"),
    ("freeze", lambda s: s.enough and not s.standing.canary and s.since("freeze") >= 24 * s.rules.train_every_days, lambda s: s.evidence),
    ("report", lambda s: s.since("report") >= 24 * s.rules.report_every_days, lambda _: "the report is due"),
)  # fmt: skip
"""For the loop. Step, condition, reason. A canary is settled at every turn, before this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the loop does now: a step, or `skip`; and why."""

    step: str
    because: str


def choose(situation: Situation) -> Choice:
    """The first step that is due, that has not just failed, and for which there is time."""
    put_off = ""
    for step, holds, because in LOOP:
        if not holds(situation):
            continue
        if situation.failed.get(step, inf) < situation.rules.retry_hours:
            put_off = put_off or f"{step} failed and is tried again later"
        elif step in HEAVY and situation.busy:
            put_off = put_off or f"{step} waits: {situation.busy}"
        else:
            return Choice(step=step, because=because(situation))
    return Choice(step="skip", because=put_off or resting(situation))


def resting(situation: Situation) -> str:
    """Why there is nothing to do."""
    days = situation.rules.train_every_days
    if situation.standing.canary:
        return "a canary meets users: its traffic decides"
    if situation.enough and situation.since("freeze") < 24 * days:
        return (
            f"{situation.evidence}, but the last dataset is {situation.since('freeze') / 24:.1f} days old, of {days:g}"
        )
    return situation.evidence or "there is nothing to learn from"
