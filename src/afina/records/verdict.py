"""A verdict: is B better than A, and everything that the answer rests on."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from afina.records.evaluation import Score


class Outcome(StrEnum):
    """What to do about B."""

    GO = "go"
    NO_GO = "no-go"
    CANNOT_TELL = "cannot tell"


class Cause(StrEnum):
    """Which rule decided."""

    BETTER = "better"
    WORSE = "worse"
    TOO_FEW = "too few"
    GUARD = "guard"
    NOT_SHOWN = "not shown"
    FAILED = "failed"
    """An arm gave too few answers."""
    LEAKED = "leaked"
    """The training knows so many items that too few others are left."""
    BASELINE = "baseline"
    """A cheaper arm is better, and must be beaten."""
    MEMORISED = "memorised"
    """The served file repeats secrets that were planted in its training."""
    REGRESSED = "regressed"
    """Too many corrections that the version before had right are wrong."""
    DRIFTED = "drifted"
    """Better than the version before, but a guard is lost against the untuned base: small losses have added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What counts as better. `guards`: metric → margin in the metric's own unit; every other metric is a target.

    `all_targets`: every target must be better, not one. That needs no correction for their number (intersection-union test,
    Berger 1982).
    """

    alpha: float = 0.05
    minimum_effect: float = 0.0
    """Share of A's mean by which B must be better."""
    guards: dict[str, float] = field(default_factory=dict)
    min_items: int = 30
    all_targets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric in its own sign. `low` and `high` end the interval of the difference, of the level 1 − 2 · alpha.

    `p_value` is that of its own question (better by the effect; not worse than the margin), adjusted by Holm for targets, as
    `p_worse` is; `passes_from` is the smallest true difference that passes in four of five comparisons.
    """

    metric: str
    role: str
    n: int
    groups: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    level: float
    wins: int
    losses: int
    ties: int
    p_value: float
    adjusted: float
    p_worse: float
    passes_from: float
    passed: bool
    at_floor: bool = False
    """A guard on which A itself scores next to nothing: a loss could not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome with everything it rests on; the first reason is the one that decided: `cause`, on `metrics`."""

    outcome: Outcome
    cause: Cause
    metrics: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """An item that training has seen, how, and the training text."""

    item: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """An arm beside A and B whose mean on a target is above B's (`own`). `blocks`: it must be beaten."""

    name: str
    score: float
    own: float
    metric: str
    blocks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts:
    """The evaluation set of a verdict, counted by part."""

    id: str
    name: str
    parts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFacts:
    """An arm: what answered, what it cost, every metric's mean with its interval. Units as in `verdict/summary.py`."""

    name: str
    source: dict[str, Any]
    items: int
    failed: int
    empty: int
    cut: int
    refused: int
    words: float
    tokens_per_s: float | None
    first_token_ms: float | None
    p95_ms: float | None
    peak_rss_mb: float | None
    silent: bool
    """So many of its answers are missing that its scores say nothing."""
    scores: dict[str, Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An item on which A and B differ, with what both wrote."""

    id: str
    part: str
    question: str
    expected: str
    metric: str
    a_score: float
    b_score: float
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """Every correction ever made, asked of the model `before` (what was in front of users, or the base) and of the new one. `broken`: right before,
    wrong now; `changes`: the newest of these with their texts.
    """

    before: str
    asked: int
    was_right: int
    now_right: int
    broken: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Go, no-go or cannot tell about B against A, with the statistics and the sentences that justify it."""

    outcome: Outcome
    cause: Cause
    because: str
    """The sentence that decided; a loss to a baseline stands before it in `reasons` even where it does not block."""
    a: str
    b: str
    metrics: tuple[str, ...]
    """Those that decided."""
    shown: tuple[str, ...]
    """Measured, not decided by."""
    unchecked: tuple[str, ...]
    """What nobody looked at: parts without items, `leaks`."""
    by_letters: bool
    reasons: tuple[str, ...]
    lost_to: tuple[Loss, ...]
    policy: Policy
    eval_set: SetFacts
    arms: tuple[ArmFacts, ...]
    comparisons: tuple[Comparison, ...]
    leaks: tuple[Leak, ...]
    regressions: tuple[Change, ...]
    gains: tuple[Change, ...]
    labels: dict[str, Any] = field(default_factory=dict)
    """Field → changes of every label's F1, macro-F1, confusion; empty where answers are no labels."""
    calibration: dict[str, Any] | None = None
    corrections: Corrections | None = None

    @property
    def go(self) -> bool:
        """Whether B may be released."""
        return self.outcome is Outcome.GO

    @property
    def first(self) -> Comparison:
        """The first target's comparison: the figures at the top of every report."""
        return self.comparisons[0]

    @property
    def p_value(self) -> float:
        """The deciding one: the largest of the targets where all must be better, else the smallest."""
        adjusted = [one.adjusted for one in self.comparisons if one.role == "target"]
        return max(adjusted) if self.policy.all_targets else min(adjusted)
