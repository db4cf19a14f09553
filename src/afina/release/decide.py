"""Several metrics of two arms → go, no-go or cannot tell, in words.

Go: on at least one target metric B is surely better by the minimum effect (corrected for their number), or on all of them if the
policy says so; on no target surely worse (corrected too); and on every guard surely not worse than its margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from afina.release.compare import POWER, Pairs, holm, interval, p_better, p_effect, passes_from

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome with everything it rests on; the first reason is the one that decided: `cause`, on `metrics`."""

    outcome: Outcome
    cause: Cause
    metrics: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    reasons: tuple[str, ...]


def decide(metrics: Sequence[Pairs], policy: Policy, *, a: str = "A", b: str = "B") -> Decision:
    """Compare every metric and reach an outcome. The reasons call the arms `a` and `b`.

    Raises:
        ValueError: there is no target metric.
    """
    targets = [pairs for pairs in metrics if pairs.metric not in policy.guards]
    if not targets:
        msg = "every metric is a guard; at least one must be a target"
        raise ValueError(msg)
    raw = [p_target(pairs, policy) for pairs in targets]
    corrected = raw if policy.all_targets else holm(raw)
    worse = holm([p_worse(pairs) for pairs in targets])
    alpha = policy.alpha if policy.all_targets else policy.alpha / len(targets)
    comparisons = [
        compare(
            pairs, policy, role="target", p_value=p, adjusted=q, p_worse=w,
            passes_from=passes_from(pairs, alpha=alpha, effect=policy.minimum_effect),
        )
        for pairs, p, q, w in zip(targets, raw, corrected, worse, strict=True)
    ]  # fmt: skip
    for pairs in metrics:
        if pairs.metric in policy.guards:
            margin = policy.guards[pairs.metric]
            p = p_better(pairs, shift=-margin)
            comparisons.append(
                compare(
                    pairs, policy, role="guard", p_value=p, adjusted=p, p_worse=p_worse(pairs),
                    passes_from=passes_from(pairs, alpha=policy.alpha, margin=margin),
                )
            )  # fmt: skip
    cause, deciding = judge(comparisons, policy)
    return Decision(
        outcome=OUTCOMES[cause], cause=cause, metrics=deciding, comparisons=tuple(comparisons),
        reasons=(
            explain(cause, deciding, comparisons, policy, a=a, b=b),
            *(sentence(one, policy, a=a, b=b) for one in comparisons),
        ),
    )  # fmt: skip


OUTCOMES = {
    Cause.BETTER: Outcome.GO, Cause.WORSE: Outcome.NO_GO, Cause.TOO_FEW: Outcome.CANNOT_TELL, Cause.GUARD: Outcome.NO_GO,
    Cause.NOT_SHOWN: Outcome.NO_GO,
}  # fmt: skip


def p_target(pairs: Pairs, policy: Policy) -> float:
    """Better at all, and by the minimum effect: both must hold, so the larger p-value counts (Berger 1982)."""
    better = p_better(pairs)
    return max(better, p_effect(pairs, policy.minimum_effect)) if policy.minimum_effect else better


def p_worse(pairs: Pairs) -> float:
    """p-value of "B's mean is below A's"."""
    return p_better(replace(pairs, a=pairs.b, b=pairs.a))


def compare(
    pairs: Pairs, policy: Policy, *, role: str, p_value: float, adjusted: float, p_worse: float, passes_from: float
) -> Comparison:
    """The figures of one metric, in its own sign."""
    wins, losses, ties = pairs.table()
    level = 1 - 2 * policy.alpha
    low, high = interval(pairs, level=level)
    sign = -1.0 if pairs.turned else 1.0
    low, high = sorted((sign * low, sign * high))
    return Comparison(
        metric=pairs.metric, role=role, n=len(pairs.a), groups=pairs.group_count, a=sign * float(pairs.a.mean()),
        b=sign * float(pairs.b.mean()), difference=sign * float((pairs.b - pairs.a).mean()), low=low, high=high, level=level,
        wins=wins, losses=losses, ties=ties, p_value=p_value, adjusted=adjusted, p_worse=p_worse,
        passes_from=sign * passes_from, passed=adjusted < policy.alpha,
    )  # fmt: skip


def judge(comparisons: Sequence[Comparison], policy: Policy) -> tuple[Cause, tuple[str, ...]]:
    """What decides, and on which metrics. Harm is said before a lack of items: it needs fewer of them."""
    targets = [one for one in comparisons if one.role == "target"]
    if worse := [one.metric for one in targets if one.p_worse < policy.alpha]:
        return Cause.WORSE, tuple(worse)
    if lost := [one.metric for one in comparisons if is_lost(one, policy)]:
        return Cause.GUARD, tuple(lost)
    if few := [one.metric for one in comparisons if one.n < policy.min_items or one.groups < LEAST_GROUPS]:
        return Cause.TOO_FEW, tuple(few)
    if broken := [one.metric for one in comparisons if one.role == "guard" and not one.passed]:
        return Cause.GUARD, tuple(broken)
    better = [one.metric for one in targets if one.passed]
    missing = [one.metric for one in targets if not one.passed]
    if better and not (policy.all_targets and missing):
        return Cause.BETTER, tuple(better)
    return Cause.NOT_SHOWN, tuple(missing)


def is_lost(one: Comparison, policy: Policy) -> bool:
    """Whether a guard surely fell, and by more than its margin to be seen: that needs no certain number of items."""
    return one.role == "guard" and one.p_worse < policy.alpha and abs(one.difference) > policy.guards[one.metric]


def explain(
    cause: Cause, metrics: Sequence[str], comparisons: Sequence[Comparison], policy: Policy, *, a: str, b: str
) -> str:
    """The deciding rule in a sentence."""
    by_metric = {one.metric: one for one in comparisons}
    names, first = ", ".join(metrics), by_metric[metrics[0]]
    by = f" by more than {policy.minimum_effect:.0%} of {a}'s score" if policy.minimum_effect else ""
    so_far = f"{a} {first.a:.4g}, {b} {first.b:.4g}"
    return {
        Cause.WORSE: f"{b} is worse than {a} on {names} (p = {first.p_worse:.2g}).",
        Cause.TOO_FEW: f"{first.n} items in {first.groups} groups of {first.metric} are too few (so far {so_far}); "
        f"{policy.min_items} items in {LEAST_GROUPS} groups are needed.",
        Cause.GUARD: f"{b} is not shown to keep {first.metric} within {policy.guards.get(first.metric, 0):g} of {a} ({so_far}; "
        f"p = {first.p_value:.2g}, under {policy.alpha:g} is needed).",
        Cause.BETTER: f"{b} is better than {a} on {names}{by}.",
        Cause.NOT_SHOWN: f"{b} is not shown to be better than {a} on {names}{by}.",
    }[cause]


def sentence(one: Comparison, policy: Policy, *, a: str, b: str) -> str:
    """One metric in words, with what its items could have shown."""
    corrected = f", {one.adjusted:.2g} corrected" if one.role == "target" and one.adjusted != one.p_value else ""
    together = f" in {one.groups} groups" if one.groups != one.n else ""
    return (
        f"{one.metric} ({one.role}): {a} {one.a:.4g}, {b} {one.b:.4g}, difference {one.difference:+.4g} "
        f"({one.level:.0%} {one.low:+.4g} to {one.high:+.4g}), {one.wins} won, {one.losses} lost, {one.ties} tied, "
        f"p = {one.p_value:.2g}{corrected}. With {one.n} items{together} it passes reliably from a true difference of "
        f"{one.passes_from:+.2g} on (power {POWER:.0%}, alpha {policy.alpha:g})."
    )
