"""Scored arms → verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from afina.errors import InputError
from afina.records import (
    GUARDED,
    LIKELIHOOD,
    ArmFacts,
    Cause,
    Change,
    Decision,
    EvalSet,
    Leak,
    Outcome,
    Part,
    Policy,
    Score,
    Scored,
    SetFacts,
    Verdict,
)
from afina.verdict.caveats import (
    BY_LETTERS,
    LETTERS_SENTENCE,
    failed_on,
    failure_sentences,
    help_sentences,
    leak_sentences,
    loss_sentence,
    losses_to,
    unchecked_of,
    unchecked_sentence,
)
from afina.verdict.compare import Pairs
from afina.verdict.decide import OUTCOMES, decide
from afina.verdict.intervals import mean_or_share
from afina.verdict.labels import calibration, label_changes
from afina.verdict.leaks import find_leaks
from afina.verdict.scores import Scores, pair_all
from afina.verdict.summary import summarise

SHOWN = 12
"""Regressions and gains with their texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Is `b` better than `a`, by which policy?

    Guards that the policy does not name have these margins: `margin` for rules (a share), `margin_nats` for log-likelihoods.
    `leaks` are those of an earlier verdict on the same records; by default they are looked for in `training`.
    `must_beat`: a loss to an arm beside the two blocks.
    """

    a: str
    b: str
    policy: Policy
    margin: float = 0.1
    margin_nats: float = 0.5
    shown: Sequence[str] = ()
    training: Sequence[str] = ()
    leaks: Sequence[Leak] | None = None
    must_beat: bool = False


def judge(arms: Sequence[Scored], question: Question) -> Verdict:
    """Is B better than A? All arms stand beside. Leaked items are named and left out; if too few are left, it cannot be told.

    Raises:
        InputError: no such arm, the two were asked different things, or nothing to compare on.
    """
    a, b = question.a, question.b
    old_arm, new_arm = two_arms(arms, a, b)
    eval_set = new_arm.record.eval_set
    leaks = leaks_of(eval_set, question)
    hidden = {*question.shown, *(name for name in new_arm.scores if name.startswith(f"{Part.STRESS.value}/"))}
    left_out = {leak.item for leak in leaks}
    spoilt = too_few_left(new_arm, left_out, hidden, least=question.policy.min_items)
    left_out = set() if spoilt else left_out
    pairs = compared_pairs(old_arm, new_arm, left_out, hidden, question.policy)
    policy = policy_for([p.metric for p in pairs], question)
    decision = decide(pairs, policy, a=a, b=b)
    target = decision.comparisons[0].metric
    unchecked = unchecked_of(eval_set, decision, checked=bool(question.training) or question.leaks is not None)
    lost_to = losses_to(arms, target, (a, b), left_out=left_out, blocks=question.must_beat)
    losses, known = [loss_sentence(one, b=b) for one in lost_to], leak_sentences(leaks, spoilt=spoilt)
    silent = failure_sentences([old_arm, new_arm])
    by_letters = decision.cause is Cause.BETTER and set(decision.metrics) <= BY_LETTERS
    cause, because = deciding(
        decision, failed=silent, spoilt=known if spoilt else [], blocked=losses if question.must_beat else []
    )
    regressions, gains = changes(old_arm, new_arm, decision, left_out)
    return Verdict(
        outcome=OUTCOMES[cause],
        cause=cause,
        because=because,
        a=a,
        b=b,
        metrics=decision.metrics,
        shown=tuple(sorted({*question.shown} & new_arm.scores.keys())),
        unchecked=tuple(unchecked),
        by_letters=by_letters,
        reasons=(
            *silent,
            *losses,
            *known,
            *decision.reasons[1 if silent else 0 :],
            *help_sentences(arms, target, b=b, left_out=left_out),
            *failure_sentences([arm for arm in arms if arm.name not in {a, b}]),
            *unchecked_sentence(unchecked),
            *([LETTERS_SENTENCE] if by_letters else []),
        ),
        lost_to=tuple(lost_to),
        policy=policy,
        eval_set=set_facts(eval_set),
        arms=tuple(arm_facts(arm, left_out) for arm in arms),
        comparisons=decision.comparisons,
        leaks=tuple(leaks),
        regressions=regressions,
        gains=gains,
        labels=label_changes(old_arm.record, new_arm.record, left_out),
        calibration=calibration(
            new_arm.record, {item: score for item, score in new_arm.scores[target].items() if item not in left_out}
        ),
    )


def leaks_of(eval_set: EvalSet, question: Question) -> Sequence[Leak]:
    """The items that decide and that training knows."""
    checked = [item for item in eval_set.items if item.part in {Part.TARGET, *GUARDED}]
    return find_leaks(checked, question.training) if question.leaks is None else question.leaks


def policy_for(metrics: Sequence[str], question: Question) -> Policy:
    """The policy with a guard for every safety and forgetting metric that has none."""
    guarded = [name for name in metrics if name.split("/")[0] in {part.value for part in GUARDED}]
    own = {name: question.margin_nats if name.endswith(f"/{LIKELIHOOD}") else question.margin for name in guarded}
    return replace(question.policy, guards={**own, **question.policy.guards})


def with_groups(scored: Scored, left_out: set[str], hidden: set[str]) -> Scores:
    """Scores with each item's group, without leaked items and metrics that are only shown."""
    groups = {item.id: item.group or None for item in scored.record.eval_set.items}
    return {
        metric: {item: (value, groups[item]) for item, value in values.items() if item not in left_out}
        for metric, values in scored.scores.items()
        if metric not in hidden
    }


def compared_pairs(
    old_arm: Scored, new_arm: Scored, left_out: set[str], hidden: set[str], policy: Policy
) -> list[Pairs]:
    """Both arms' scores by metric, in the order in which the new one has them.

    Raises:
        InputError: no target is left, or a guard is unknown.
    """
    old, new = (with_groups(arm, left_out, hidden) for arm in (old_arm, new_arm))
    if not any(is_target(metric) and metric not in policy.guards for metric in new):
        raise InputError(
            "no target metric: every metric is a guard or applies to no item",
            remedy="`--metric` names the measures; they need `expected`, `rules` or `context` in the items, and one must be no guard",
        )
    order = list(new_arm.scores)
    pairs = sorted(pair_all(old, new, a_name=old_arm.name, b_name=new_arm.name), key=lambda p: order.index(p.metric))
    if unknown := sorted(policy.guards.keys() - {p.metric for p in pairs}):
        raise InputError(
            f"unknown metric {unknown[0]!r} in --guard", remedy=f"there are {', '.join(p.metric for p in pairs)}"
        )
    return pairs


def two_arms(arms: Sequence[Scored], a: str, b: str) -> tuple[Scored, Scored]:
    """The arms to compare.

    Raises:
        InputError: one is not there, or an item of the same id asked them different things.
    """
    by_name = {arm.name: arm for arm in arms}
    for name in (a, b):
        if name not in by_name:
            raise InputError(f"no arm {name!r}", remedy=f"there are {', '.join(by_name)}")
    asked = {item.id: item for item in by_name[a].record.eval_set.items}
    for item in by_name[b].record.eval_set.items:
        if item.id in asked and asked[item.id] != item:
            raise InputError(
                f"{a} and {b} were asked different things as item {item.id!r}", remedy="evaluate both on one set"
            )
    return by_name[a], by_name[b]


def is_target(metric: str) -> bool:
    """Whether a metric is of the target part: others have their part's name in front."""
    return metric.split("/", maxsplit=1)[0] not in {part.value for part in Part}


def too_few_left(arm: Scored, left_out: set[str], hidden: set[str], *, least: int) -> bool:
    """Whether without the leaked items some metric has too few left, though it had enough with them, or none at all."""
    if not left_out:
        return False
    counts = [
        (len(values), len(values.keys() - left_out)) for metric, values in arm.scores.items() if metric not in hidden
    ]
    return any(kept < min(had, least) for had, kept in counts)


def deciding(
    decision: Decision, *, failed: Sequence[str], spoilt: Sequence[str], blocked: Sequence[str]
) -> tuple[Cause, str]:
    """What decided, and the sentence that says so.

    Where many questions failed nothing is known, neither good nor bad. A known set shows no gain; a cheaper arm that is better
    takes a go away.
    """
    if failed:
        return Cause.FAILED, failed[0]
    if spoilt and decision.outcome is Outcome.GO:
        return Cause.LEAKED, spoilt[0]
    if blocked and decision.outcome is Outcome.GO:
        return Cause.BASELINE, blocked[0]
    return decision.cause, decision.reasons[0]


def set_facts(eval_set: EvalSet) -> SetFacts:
    """The set, counted by part."""
    parts = {part.value: sum(item.part is part for item in eval_set.items) for part in Part}
    return SetFacts(id=eval_set.id, name=eval_set.name, parts={name: n for name, n in parts.items() if n})


def arm_facts(arm: Scored, left_out: set[str]) -> ArmFacts:
    """An arm: source, costs, every metric's mean with its interval."""
    means = {metric: mean_score_of(arm, metric, left_out) for metric in arm.scores}
    return ArmFacts(
        name=arm.name,
        source=arm.record.source,
        **asdict(summarise(arm.record)),
        silent=bool(failed_on(arm)),
        scores=means,
    )


def mean_score_of(arm: Scored, metric: str, left_out: set[str] | frozenset[str] = frozenset()) -> Score:
    """A metric's mean with its interval; items of one group are drawn together."""
    kept = {item: value for item, value in arm.scores[metric].items() if item not in left_out}
    groups = {item.id: item.group or f"\0{item.id}" for item in arm.record.eval_set.items}
    return mean_or_share(list(kept.values()), [groups[item] for item in kept])


def changes(
    a: Scored, b: Scored, decision: Decision, left_out: set[str]
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """The items on which B lost and won most, with what both wrote."""
    found = []
    outputs = {arm.name: {output.item: output for output in arm.record.outputs} for arm in (a, b)}
    items = {item.id: item for item in b.record.eval_set.items}
    written = [one.metric for one in decision.comparisons if not one.metric.endswith(LIKELIHOOD)]
    for metric in written:
        for identity, new in b.scores[metric].items():
            item, old = items[identity], a.scores[metric][identity]
            if identity not in left_out and new != old:
                before, after = outputs[a.name][identity], outputs[b.name][identity]
                found.append(
                    Change(
                        id=identity,
                        part=item.part.value,
                        question=item.question,
                        expected=item.expected,
                        metric=metric,
                        a_score=old,
                        b_score=new,
                        a=before.text or before.error,
                        b=after.text or after.error,
                    )
                )
    found.sort(key=lambda one: (one.b_score - one.a_score, one.id))
    lost = [one for one in found if one.b_score < one.a_score]
    won = [one for one in reversed(found) if one.b_score > one.a_score]
    return tuple(lost[:SHOWN]), tuple(won[:SHOWN])
