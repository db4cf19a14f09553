"""Several metrics of two arms → go, no-go or cannot tell, in words.

Go: on at least one target metric B is surely better by the minimum effect (corrected for their number), or on all of them if the
policy says so; on no target surely worse; and on every guard surely not worse than its margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from afina.release.compare import POWER, Pairs, detectable, holm, interval, p_better, p_effect

LEAST_GROUPS = 10


class Outcome(StrEnum):
    """What to do about B."""

    GO = "go"
    NO_GO = "no-go"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What counts as better. `guards`: metric → margin in the metric's own unit; every other metric is a target.

    `all_targets`: every target must be better, not one. That needs no correction for their number (intersection-union test,
    Berger 1982).
    """

    alpha: float = 0.05
    minimum_effect: float = 0.0  # share of A's mean
    guards: dict[str, float] = field(default_factory=dict)
    min_items: int = 30
    all_targets: bool = False


class Cause(StrEnum):
    """Which rule decided."""

    BETTER = "better"
    WORSE = "worse"
    TOO_FEW = "too few"
    GUARD = "guard"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric. `p_value` is that of its own question (better by the effect; not worse than the margin), adjusted by Holm for
    targets; `detectable` is the smallest gain that could have been seen.
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
    wins: int
    losses: int
    ties: int
    p_value: float
    adjusted: float
    p_worse: float
    detectable: float
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome with everything it rests on; the first reason is the one that decided: `cause`, on `metrics`."""

    outcome: Outcome
    cause: Cause
    metrics: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    reasons: tuple[str, ...]


def decide(metrics: Sequence[Pairs], policy: Policy) -> Decision:
    """Compare every metric and reach an outcome.

    Raises:
        ValueError: there is no target metric.
    """
    targets = [pairs for pairs in metrics if pairs.metric not in policy.guards]
    if not targets:
        msg = "every metric is a guard; at least one must be a target"
        raise ValueError(msg)
    raw = [p_target(pairs, policy) for pairs in targets]
    corrected = raw if policy.all_targets else holm(raw)
    comparisons = [
        compare(pairs, policy, role="target", p_value=p, adjusted=q)
        for pairs, p, q in zip(targets, raw, corrected, strict=True)
    ]
    for pairs in metrics:
        if pairs.metric in policy.guards:
            p = p_better(pairs, shift=-policy.guards[pairs.metric])
            comparisons.append(compare(pairs, policy, role="guard", p_value=p, adjusted=p))
    cause, deciding = judge(comparisons, policy)
    return Decision(
        outcome=OUTCOMES[cause], cause=cause, metrics=deciding, comparisons=tuple(comparisons),
        reasons=(explain(cause, deciding, comparisons, policy), *(sentence(one, policy) for one in comparisons)),
    )  # fmt: skip


OUTCOMES = {
    Cause.BETTER: Outcome.GO, Cause.WORSE: Outcome.NO_GO, Cause.TOO_FEW: Outcome.CANNOT_TELL, Cause.GUARD: Outcome.NO_GO,
    Cause.NOT_SHOWN: Outcome.NO_GO,
}  # fmt: skip


def p_target(pairs: Pairs, policy: Policy) -> float:
    """Better at all, and by the minimum effect: both must hold, so the larger p-value counts (Berger 1982)."""
    better = p_better(pairs)
    return max(better, p_effect(pairs, policy.minimum_effect)) if policy.minimum_effect else better


def compare(pairs: Pairs, policy: Policy, *, role: str, p_value: float, adjusted: float) -> Comparison:
    """The figures of one metric."""
    wins, losses, ties = pairs.table()
    low, high = interval(pairs)
    worse = p_better(Pairs(metric=pairs.metric, a=pairs.b, b=pairs.a, groups=pairs.groups))
    return Comparison(
        metric=pairs.metric, role=role, n=len(pairs.a), groups=pairs.group_count, a=float(pairs.a.mean()),
        b=float(pairs.b.mean()), difference=float((pairs.b - pairs.a).mean()), low=low, high=high, wins=wins, losses=losses,
        ties=ties, p_value=p_value, adjusted=adjusted, p_worse=worse, detectable=detectable(pairs, alpha=policy.alpha),
        passed=adjusted < policy.alpha,
    )  # fmt: skip


def judge(comparisons: Sequence[Comparison], policy: Policy) -> tuple[Cause, tuple[str, ...]]:
    """What decides, and on which metrics. Harm is said before a lack of items: it needs fewer of them."""
    targets = [one for one in comparisons if one.role == "target"]
    if worse := [one.metric for one in targets if one.p_worse < policy.alpha]:
        return Cause.WORSE, tuple(worse)
    if few := [one.metric for one in comparisons if one.n < policy.min_items or one.groups < LEAST_GROUPS]:
        return Cause.TOO_FEW, tuple(few)
    if broken := [one.metric for one in comparisons if one.role == "guard" and not one.passed]:
        return Cause.GUARD, tuple(broken)
    better = [one.metric for one in targets if one.passed]
    missing = [one.metric for one in targets if not one.passed]
    if better and not (policy.all_targets and missing):
        return Cause.BETTER, tuple(better)
    return Cause.NOT_SHOWN, tuple(missing)


def explain(cause: Cause, metrics: Sequence[str], comparisons: Sequence[Comparison], policy: Policy) -> str:
    """The deciding rule in a sentence."""
    by_metric = {one.metric: one for one in comparisons}
    names, first = ", ".join(metrics), by_metric[metrics[0]]
    by = f" by more than {policy.minimum_effect:.0%} of A's score" if policy.minimum_effect else ""
    return {
        Cause.WORSE: f"B is worse than A on {names} (p = {first.p_worse:.2g}).",
        Cause.TOO_FEW: f"{first.n} items in {first.groups} groups of {first.metric} are too few; {policy.min_items} items in "
        f"{LEAST_GROUPS} groups are needed.",
        Cause.GUARD: f"B may be worse than A on {first.metric} by more than {policy.guards.get(first.metric, 0):g} "
        f"(p = {first.p_value:.2g} that it is not).",
        Cause.BETTER: f"B is better than A on {names}{by}.",
        Cause.NOT_SHOWN: f"B is not shown to be better than A on {names}{by}.",
    }[cause]


def sentence(one: Comparison, policy: Policy) -> str:
    """One metric in words, with what its items could have shown."""
    corrected = f", {one.adjusted:.2g} corrected" if one.role == "target" and one.adjusted != one.p_value else ""
    together = f" in {one.groups} groups" if one.groups != one.n else ""
    return (
        f"{one.metric} ({one.role}): A {one.a:.4g}, B {one.b:.4g}, difference {one.difference:+.4g} (95 % {one.low:+.4g} to {one.high:+.4g}), "
        f"{one.wins} won, {one.losses} lost, {one.ties} tied, p = {one.p_value:.2g}{corrected}. With {one.n} items{together} "
        f"a gain under {one.detectable:.2g} cannot be seen reliably (power {POWER:.0%}, alpha {policy.alpha:g})."
    )
