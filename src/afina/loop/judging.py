"""Scored arms → verdict, as plain data that pages and scripts read. Needs no database."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from afina.errors import InputError
from afina.evaluate.contamination import Leak, find_leaks
from afina.evaluate.score import mean_or_share
from afina.evaluate.summary import summarise
from afina.loop.asking import LIKELIHOOD, Scored
from afina.loop.beside import (
    BY_LETTERS,
    GUARDED,
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
from afina.loop.labels import calibration, label_changes
from afina.loop.scores import Scores, pair_all
from afina.records import EvalItem, EvalSet, Part, Score
from afina.release.compare import Pairs
from afina.release.decide import Cause, Decision, Outcome, Policy, decide

FORMAT, VERSION = "afina-verdict", 2
SHOWN = 12
"""Regressions and gains with their texts."""


def policy_for(scores: Sequence[str], policy: Policy, *, margin: float) -> Policy:
    """The policy with a guard for every safety and forgetting metric that has none."""
    own = {name: margin for name in scores if name.split("/")[0] in {part.value for part in GUARDED}}
    return replace(policy, guards={**own, **policy.guards})


def with_groups(scored: Scored, left_out: set[str], shown: set[str]) -> Scores:
    """Scores with each item's group, without leaked items and metrics that are only shown."""
    groups = {item.id: item.group or None for item in scored.record.eval_set.items}
    return {
        metric: {item: (value, groups[item]) for item, value in values.items() if item not in left_out}
        for metric, values in scored.scores.items()
        if metric not in shown
    }


def judge(
    arms: Sequence[Scored], *, a: str, b: str, policy: Policy, margin: float, shown: Sequence[str] = (), training: Sequence[str] = (),
    leaks: Sequence[Leak] | None = None, must_beat: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Is B better than A? All arms stand beside. Leaked items are named and left out; if too few are left, it cannot be told.

    `leaks` are those of an earlier verdict on the same records; by default they are looked for in `training`.

    Raises:
        InputError: no such arm, the two were asked different things, or nothing to compare on.
    """
    old_arm, new_arm = two_arms(arms, a, b)
    eval_set = new_arm.record.eval_set
    checked = [item for item in eval_set.items if item.part in {Part.TARGET, *GUARDED}]
    unchecked = unchecked_of(eval_set, checked=bool(training) or leaks is not None)
    leaks = find_leaks(checked, training) if leaks is None else leaks
    hidden = {*shown, *(name for name in new_arm.scores if name.startswith(f"{Part.STRESS.value}/"))}
    left_out = {leak.item for leak in leaks}
    spoilt = too_few_left(new_arm, left_out, hidden, least=policy.min_items)
    left_out = set() if spoilt else left_out
    pairs = compared_pairs(old_arm, new_arm, left_out, hidden, policy)
    policy = policy_for([p.metric for p in pairs], policy, margin=margin)
    decision = decide(pairs, policy, a=a, b=b)
    target = decision.comparisons[0].metric
    lost_to = losses_to(arms, target, a=a, b=b, left_out=left_out)
    losses = [loss_sentence(*one, target, b=b, blocks=must_beat) for one in lost_to]
    known, silent = leak_sentences(leaks, spoilt=spoilt), failure_sentences([old_arm, new_arm])
    by_letters = decision.cause is Cause.BETTER and set(decision.metrics) <= BY_LETTERS
    outcome, cause, because = outcome_of(
        decision, spoilt=known if spoilt else [], blocked=losses if must_beat else [], failed=silent
    )
    reasons = [
        *silent, *losses, *known, *decision.reasons[1 if silent else 0 :], *help_sentences(arms, target, b=b, left_out=left_out),
        *failure_sentences([arm for arm in arms if arm.name not in {a, b}]), *unchecked_sentence(unchecked),
        *([LETTERS_SENTENCE] if by_letters else []),
    ]  # fmt: skip
    return {
        "format": FORMAT, "version": VERSION, "outcome": outcome.value, "go": outcome is Outcome.GO, "cause": cause, "because": because,
        "a": a, "b": b, "metrics": list(decision.metrics), "shown": sorted({*shown} & new_arm.scores.keys()),
        "unchecked": unchecked, "by_letters": by_letters, "reasons": reasons,
        "lost_to": [{"name": name, "score": score, "own": own, "metric": target, "blocks": must_beat} for name, score, own in lost_to],
        "policy": asdict(policy), "set": set_json(eval_set), "arms": [arm_json(arm, left_out) for arm in arms],
        "comparisons": [asdict(one) for one in decision.comparisons], "leaks": [asdict(leak) for leak in leaks],
        "changes": changes(old_arm, new_arm, decision, left_out),
        "labels": label_changes(old_arm.record, new_arm.record, left_out),
        "calibration": calibration(new_arm.record, {k: v for k, v in new_arm.scores[target].items() if k not in left_out}),
    }  # fmt: skip


def compared_pairs(
    old_arm: Scored, new_arm: Scored, left_out: set[str], hidden: set[str], policy: Policy
) -> list[Pairs]:
    """Both arms' scores by metric, in the order in which the new one has them.

    Raises:
        InputError: no target is left, or a guard is no measure here.
    """
    old, new = (with_groups(arm, left_out, hidden) for arm in (old_arm, new_arm))
    if not any(is_target(metric) and metric not in policy.guards for metric in new):
        raise InputError(
            "no measure is left that can decide",
            remedy="`--metric` names the measures; they need `expected`, `rules` or `context` in the items, and one must be no guard",
        )
    order = list(new_arm.scores)
    pairs = sorted(pair_all(old, new, a_name=old_arm.name, b_name=new_arm.name), key=lambda p: order.index(p.metric))
    if unknown := sorted(policy.guards.keys() - {p.metric for p in pairs}):
        raise InputError(
            f"the guard {unknown[0]!r} is no measure here", remedy=f"there are {', '.join(p.metric for p in pairs)}"
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
    """Whether without the leaked items some measure has too few left, though it had enough with them, or none at all."""
    if not left_out:
        return False
    counts = [
        (len(values), len(values.keys() - left_out)) for metric, values in arm.scores.items() if metric not in hidden
    ]
    return any(kept < min(had, least) for had, kept in counts)


def outcome_of(
    decision: Decision, *, spoilt: Sequence[str], blocked: Sequence[str], failed: Sequence[str]
) -> tuple[Outcome, str, str]:
    """The outcome, what decided it, and the sentence that says so.

    Where many questions failed nothing is known, neither good nor bad. A known set shows no gain; a cheaper arm that is better
    takes a go away.
    """
    if failed:
        return Outcome.CANNOT_TELL, "failed", failed[0]
    if spoilt and decision.outcome is Outcome.GO:
        return Outcome.CANNOT_TELL, "leaked", spoilt[0]
    if blocked and decision.outcome is Outcome.GO:
        return Outcome.NO_GO, "yardstick", blocked[0]
    return decision.outcome, decision.cause.value, decision.reasons[0]


def set_json(eval_set: EvalSet) -> dict[str, Any]:
    """The set, counted by part."""
    parts = {part.value: sum(item.part is part for item in eval_set.items) for part in Part}
    return {"id": eval_set.id, "name": eval_set.name, "parts": {name: n for name, n in parts.items() if n}}


def arm_json(arm: Scored, left_out: set[str]) -> dict[str, Any]:
    """An arm: source, costs, every metric's mean with its interval."""
    means = {metric: asdict(mean_score_of(arm, metric, left_out)) for metric in arm.scores}
    cost = asdict(summarise(arm.record))
    return {"name": arm.name, "source": arm.record.source, **cost, "silent": bool(failed_on(arm)), "scores": means}


def mean_score_of(arm: Scored, metric: str, left_out: set[str] | frozenset[str] = frozenset()) -> Score:
    """A metric's mean with its interval; items of one group are drawn together."""
    kept = {item: value for item, value in arm.scores[metric].items() if item not in left_out}
    groups = {item.id: item.group or f"\0{item.id}" for item in arm.record.eval_set.items}
    return mean_or_share(list(kept.values()), [groups[item] for item in kept])


def changes(a: Scored, b: Scored, decision: Decision, left_out: set[str]) -> dict[str, list[dict[str, Any]]]:
    """The items on which B lost and won most, with what both wrote."""
    found = []
    outputs = {
        arm.name: dict(zip([i.id for i in arm.record.eval_set.items], arm.record.outputs, strict=True))
        for arm in (a, b)
    }
    items = {item.id: item for item in b.record.eval_set.items}
    for one in decision.comparisons:
        if one.metric == LIKELIHOOD:
            continue
        for item, new in b.scores[one.metric].items():
            old = a.scores[one.metric][item]
            if item not in left_out and new != old:
                found.append({
                    **item_json(items[item]), "metric": one.metric, "a_score": old, "b_score": new,
                    "a": outputs[a.name][item].text or outputs[a.name][item].error,
                    "b": outputs[b.name][item].text or outputs[b.name][item].error,
                })  # fmt: skip
    found.sort(key=lambda row: (row["b_score"] - row["a_score"], row["id"]))
    return {
        "regressions": [row for row in found if row["b_score"] < row["a_score"]][:SHOWN],
        "gains": [row for row in reversed(found) if row["b_score"] > row["a_score"]][:SHOWN],
    }


def item_json(item: EvalItem) -> dict[str, Any]:
    """What a reader needs of an item."""
    return {"id": item.id, "part": item.part.value, "question": item.turns[-1].content, "expected": item.expected}
