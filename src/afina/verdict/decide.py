"""Several metrics of two arms → go, no-go or cannot tell, in words.

Go: on at least one target metric B is surely better by the minimum effect (corrected for their number), or on all of them if the
policy says so; on no target surely worse (corrected too); and on every guard surely not worse than its margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from afina.records import Cause, Comparison, Decision, Outcome, Policy
from afina.verdict.compare import POWER, Pairs, holm, interval, p_better, p_effect, passes_from

LEAST_GROUPS = 10


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
    passes = [passes_from(pairs, alpha=alpha, effect=policy.minimum_effect) for pairs in targets]
    comparisons = [
        compare(pairs, policy, Tested(role="target", p_value=p, adjusted=q, p_worse=w, passes_from=least))
        for pairs, p, q, w, least in zip(targets, raw, corrected, worse, passes, strict=True)
    ]
    comparisons += [compare_guard(pairs, policy) for pairs in metrics if pairs.metric in policy.guards]
    cause, deciding = judge(comparisons, policy)
    return Decision(
        outcome=OUTCOMES[cause],
        cause=cause,
        metrics=deciding,
        comparisons=tuple(comparisons),
        reasons=(
            explain(cause, deciding, comparisons, policy, (a, b)),
            *(sentence(one, policy, a=a, b=b) for one in comparisons),
        ),
    )


OUTCOMES = {
    Cause.BETTER: Outcome.GO, Cause.WORSE: Outcome.NO_GO, Cause.TOO_FEW: Outcome.CANNOT_TELL, Cause.GUARD: Outcome.NO_GO,
    Cause.NOT_SHOWN: Outcome.NO_GO, Cause.FAILED: Outcome.CANNOT_TELL, Cause.LEAKED: Outcome.CANNOT_TELL, Cause.BASELINE: Outcome.NO_GO,
    Cause.MEMORISED: Outcome.NO_GO, Cause.REGRESSED: Outcome.NO_GO, Cause.DRIFTED: Outcome.NO_GO,
}  # fmt: skip
"""What each rule decides."""


def compare_guard(pairs: Pairs, policy: Policy) -> Comparison:
    """A guard: is B surely not worse than its margin?"""
    margin = policy.guards[pairs.metric]
    p = p_better(pairs, shift=-margin)
    tested = Tested(
        role="guard",
        p_value=p,
        adjusted=p,
        p_worse=p_worse(pairs),
        passes_from=passes_from(pairs, alpha=policy.alpha, margin=margin),
        at_floor=at_floor(pairs, margin),
    )
    return compare(pairs, policy, tested)


def p_target(pairs: Pairs, policy: Policy) -> float:
    """Better at all, and by the minimum effect: both must hold, so the larger p-value counts (Berger 1982)."""
    better = p_better(pairs)
    return max(better, p_effect(pairs, policy.minimum_effect)) if policy.minimum_effect else better


def p_worse(pairs: Pairs) -> float:
    """p-value of "B's mean is below A's"."""
    return p_better(replace(pairs, a=pairs.b, b=pairs.a))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One metric's test, see `Comparison`."""

    role: str
    p_value: float
    adjusted: float
    p_worse: float
    passes_from: float
    at_floor: bool = False


def compare(pairs: Pairs, policy: Policy, tested: Tested) -> Comparison:
    """The figures of one metric, in its own sign."""
    wins, losses, ties = pairs.table()
    level = 1 - 2 * policy.alpha
    sign = -1.0 if pairs.turned else 1.0
    low, high = sorted(sign * end for end in interval(pairs, level=level))
    return Comparison(
        metric=pairs.metric,
        role=tested.role,
        n=len(pairs.a),
        groups=pairs.group_count,
        a=sign * float(pairs.a.mean()),
        b=sign * float(pairs.b.mean()),
        difference=sign * float((pairs.b - pairs.a).mean()),
        low=low,
        high=high,
        level=level,
        wins=wins,
        losses=losses,
        ties=ties,
        p_value=tested.p_value,
        adjusted=tested.adjusted,
        p_worse=tested.p_worse,
        passes_from=sign * tested.passes_from,
        passed=tested.adjusted < policy.alpha and not tested.at_floor,
        at_floor=tested.at_floor,
    )


def judge(comparisons: Sequence[Comparison], policy: Policy) -> tuple[Cause, tuple[str, ...]]:
    """What decides, and on which metrics. Harm is said before a lack of items: it needs fewer of them."""
    targets = [one for one in comparisons if one.role == "target"]
    if worse := [one.metric for one in targets if one.p_worse < policy.alpha]:
        return Cause.WORSE, tuple(worse)
    if lost := [one.metric for one in comparisons if is_lost(one, policy)]:
        return Cause.GUARD, tuple(lost)
    heard = [one for one in comparisons if not one.at_floor]
    if few := [one.metric for one in heard if one.n < policy.min_items or one.groups < LEAST_GROUPS]:
        return Cause.TOO_FEW, tuple(few)
    if broken := [one.metric for one in heard if one.role == "guard" and not one.passed]:
        return Cause.GUARD, tuple(broken)
    better = [one.metric for one in targets if one.passed]
    missing = [one.metric for one in targets if not one.passed]
    if better and not (policy.all_targets and missing):
        return Cause.BETTER, tuple(better)
    return Cause.NOT_SHOWN, tuple(missing)


def at_floor(pairs: Pairs, margin: float) -> bool:
    """Whether A's own score is so near to the bottom of the scale that losing all of it would be within the margin.

    Such a guard passes whatever happens: it must not be taken for evidence. Scores below 0 (log-likelihoods) have no bottom.
    """
    lowest = float(min(pairs.a.min(), pairs.b.min()))
    return not pairs.turned and lowest >= 0 and float(pairs.a.mean()) <= margin


def is_lost(one: Comparison, policy: Policy) -> bool:
    """Whether a guard surely fell, and by more than its margin to be seen: that needs no certain number of items."""
    return one.role == "guard" and one.p_worse < policy.alpha and abs(one.difference) > policy.guards[one.metric]


def explain(
    cause: Cause, metrics: Sequence[str], comparisons: Sequence[Comparison], policy: Policy, names: tuple[str, str]
) -> str:
    """The deciding rule in a sentence."""
    a, b = names
    by_metric = {one.metric: one for one in comparisons}
    named, first = ", ".join(metrics), by_metric[metrics[0]]
    by = f" by more than {policy.minimum_effect:.0%} of {a}'s score" if policy.minimum_effect else ""
    so_far = f"{a} {first.a:.4g}, {b} {first.b:.4g}"
    return {
        Cause.WORSE: f"{b} is worse than {a} on {named} (p = {first.p_worse:.2g}).",
        Cause.TOO_FEW: f"{first.n} items in {first.groups} groups of {first.metric} are too few (so far {so_far}); "
        f"{policy.min_items} items in {LEAST_GROUPS} groups are needed.",
        Cause.GUARD: f"non-inferiority not shown: {b} may be worse than {a} on {first.metric} by more than "
        f"{policy.guards.get(first.metric, 0):g} ({so_far}; "
        f"p = {first.p_value:.2g}, under {policy.alpha:g} is needed).",
        Cause.BETTER: f"{b} is better than {a} on {named}{by}.",
        Cause.NOT_SHOWN: f"{b} is not shown to be better than {a} on {named}{by}.",
    }[cause]


def sentence(one: Comparison, policy: Policy, *, a: str, b: str) -> str:
    """One metric in words, with what its items could have shown."""
    if one.at_floor:
        return (
            f"{one.metric} (guard) says nothing: {a} itself reaches {one.a:.4g}, so losing all of it would be within the "
            f"margin of {policy.guards[one.metric]:g} ({b} {one.b:.4g})."
        )
    corrected = f", {one.adjusted:.2g} corrected" if one.role == "target" and one.adjusted != one.p_value else ""
    together = f" in {one.groups} groups" if one.groups != one.n else ""
    return (
        f"{one.metric} ({one.role}): {a} {one.a:.4g}, {b} {one.b:.4g}, difference {one.difference:+.4g} "
        f"({one.level:.0%} {one.low:+.4g} to {one.high:+.4g}), {one.wins} won, {one.losses} lost, {one.ties} tied, "
        f"p = {one.p_value:.2g}{corrected}. With {one.n} items{together} it passes reliably from a true difference of "
        f"{one.passes_from:+.2g} on (power {POWER:.0%}, alpha {policy.alpha:g})."
    )
