"""Arms on one set → records → verdict, as plain data that pages and scripts read. Needs no database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.evaluate.arms import Arm
from afina.evaluate.contamination import Leak, find_leaks
from afina.evaluate.metrics import Metric, load_metric, score_outputs
from afina.evaluate.record import head_of, read_record, write_record
from afina.evaluate.run import run_arm
from afina.evaluate.score import mean_or_share
from afina.evaluate.sets import only_parts
from afina.evaluate.summary import summarise
from afina.loop.labels import calibration, label_changes
from afina.loop.narrate import Narrator
from afina.loop.scores import Scores, pair_all
from afina.records import EvalItem, EvalRecord, EvalSet, Part, Score
from afina.release.decide import Decision, Outcome, Policy, decide

FORMAT, VERSION = "afina-verdict", 1
GUARDED = (Part.SAFETY, Part.FORGETTING)
LIKELIHOOD = "log_likelihood"
SHOWN = 12
"""Regressions and gains with their texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An arm's record with its scores by metric and item."""

    record: EvalRecord
    scores: dict[str, dict[str, float]]

    @property
    def name(self) -> str:
        """The arm's."""
        return self.record.arm


def ask_arms(
    arms: Sequence[Arm], eval_set: EvalSet, metrics: Sequence[str], folder: Path, narrator: Narrator
) -> list[Scored]:
    """Ask every arm that has no finished record of this set in `folder`; score all. One arm after the other: one model in memory.

    Raises:
        InputError: two arms of one name; a metric is unknown or fails.
    """
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1 or not name or "/" in name or name.startswith("."):
            raise InputError(f"the arm's name {name!r} is there twice or cannot be a file's name")
    loaded = [load_metric(name) for name in metrics]
    total = len(arms) * len(eval_set.items)
    found = []
    for at, arm in enumerate(arms):
        before = at * len(eval_set.items)

        def on_item(done: int, _: int, *, before: int = before, name: str = arm.name) -> None:
            narrator.progress(before + done, total, name)

        found.append(ask_arm(arm, eval_set, loaded, folder, on_item))
        narrator.progress(before + len(eval_set.items), total, arm.name)
    return found


def ask_arm(arm: Arm, eval_set: EvalSet, metrics: Sequence[Metric], folder: Path, on_item: Any) -> Scored:
    """One arm; its record is written whole when the last item is answered."""
    eval_set = eval_set if arm.parts is None else only_parts(eval_set, arm.parts)
    path, partial = folder / f"{arm.name}.jsonl", folder / f"{arm.name}.partial.jsonl"
    record = finished(path, eval_set, arm)
    if record is None:
        record = run_arm(arm, eval_set, partial=partial, on_item=on_item)
    scored = score_record(record, metrics)
    write_record(path, record, scored.scores)
    partial.unlink(missing_ok=True)
    return scored


def finished(path: Path, eval_set: EvalSet, arm: Arm) -> EvalRecord | None:
    """The record of the same arm on the same set, if it is there and whole."""
    try:
        record, _ = read_record(path)
    except InputError:
        return None
    same = head_of(record.eval_set, record.arm, record.source) == head_of(eval_set, arm.name, arm.source)
    return record if same else None


def score_record(record: EvalRecord, metrics: Sequence[Metric]) -> Scored:
    """Scores by `PART/METRIC` (the target part by the metric alone). Parts other than the target are judged by their rules."""
    scores: dict[str, dict[str, float]] = {}
    rules = load_metric("rules")
    for part in Part:
        pairs = [(i, o) for i, o in zip(record.eval_set.items, record.outputs, strict=True) if i.part is part]
        for metric in metrics if part is Part.TARGET else [rules]:
            values = score_outputs(metric, [i for i, _ in pairs], [o for _, o in pairs])
            if values:
                scores[metric.name if part is Part.TARGET else f"{part.value}/{metric.name}"] = values
    weighed = {o.item: o.log_likelihood for o in record.outputs if o.log_likelihood is not None}
    if weighed:
        scores[LIKELIHOOD] = weighed
    return Scored(record=record, scores=scores)


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
    must_beat: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Is B better than A? All arms stand beside. Leaked items are named and left out; if too few are left, it cannot be told.

    Raises:
        InputError: no such arm, or nothing to compare on.
    """
    by_name = {arm.name: arm for arm in arms}
    for name in (a, b):
        if name not in by_name:
            raise InputError(f"no arm {name!r}", remedy=f"there are {', '.join(by_name)}")
    eval_set = by_name[b].record.eval_set
    targets = [item for item in eval_set.items if item.part is Part.TARGET]
    leaks = find_leaks(targets, training) if training else []
    spoilt = len(leaks) > 0 and len(targets) - len(leaks) < policy.min_items
    left_out = set() if spoilt else {leak.item for leak in leaks}
    hidden = {*shown, *(name for name in by_name[b].scores if name.startswith(f"{Part.STRESS.value}/"))}
    old, new = (with_groups(by_name[name], left_out, hidden) for name in (a, b))
    if not any("/" not in metric and metric not in policy.guards for metric in new):
        raise InputError(
            "no measure is left that can decide",
            remedy="`--metric` names the measures; they need `expected`, `rules` or `context` in the items, and one must be no guard",
        )
    pairs = pair_all(old, new, a_name=a, b_name=b)
    if unknown := sorted(policy.guards.keys() - {p.metric for p in pairs}):
        raise InputError(
            f"the guard {unknown[0]!r} is no measure here", remedy=f"there are {', '.join(p.metric for p in pairs)}"
        )
    policy = policy_for([p.metric for p in pairs], policy, margin=margin)
    decision = decide(pairs, policy)
    target = decision.comparisons[0].metric
    lost_to = losses_to(arms, target, a=a, b=b, left_out=left_out)
    outcome, cause = outcome_of(decision, spoilt=spoilt, blocked=bool(lost_to) and must_beat)
    return {
        "format": FORMAT, "version": VERSION, "outcome": outcome.value, "go": outcome is Outcome.GO, "cause": cause, "a": a, "b": b,
        "metrics": list(decision.metrics),
        "lost_to": [{"name": name, "score": score, "own": own, "metric": target, "blocks": must_beat} for name, score, own in lost_to],
        "reasons": [*(loss_sentence(name, score, own, target, blocks=must_beat) for name, score, own in lost_to),
                    *leak_sentence(leaks, spoilt=spoilt), *decision.reasons],
        "policy": asdict(policy), "set": set_json(eval_set), "arms": [arm_json(arm, left_out) for arm in arms],
        "comparisons": [asdict(one) for one in decision.comparisons], "leaks": [asdict(leak) for leak in leaks],
        "changes": changes(by_name[a], by_name[b], decision, left_out),
        "labels": label_changes(by_name[a].record, by_name[b].record, left_out),
        "calibration": calibration(by_name[b].record, {k: v for k, v in by_name[b].scores[target].items() if k not in left_out}),
    }  # fmt: skip


def outcome_of(decision: Decision, *, spoilt: bool, blocked: bool) -> tuple[Outcome, str]:
    """The outcome and what decided it. A known set shows no gain; a cheaper arm that is better takes a go away."""
    if spoilt and decision.outcome is Outcome.GO:
        return Outcome.CANNOT_TELL, "leaked"
    if blocked and decision.outcome is Outcome.GO:
        return Outcome.NO_GO, "yardstick"
    return decision.outcome, decision.cause.value


def losses_to(
    arms: Sequence[Scored], metric: str, *, a: str, b: str, left_out: set[str]
) -> list[tuple[str, float, float]]:
    """Arms beside A and B whose mean on the target is above B's: (name, their mean, B's)."""
    means = {
        arm.name: mean([v for item, v in arm.scores[metric].items() if item not in left_out])
        for arm in arms
        if metric in arm.scores
    }
    return [(name, value, means[b]) for name, value in means.items() if name not in {a, b} and value > means[b]]


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def loss_sentence(name: str, score: float, own: float, metric: str, *, blocks: bool) -> str:
    """A loss to a cheaper or a reference arm, and what follows."""
    effect = "blocks the release" if blocks else "does not block (must_beat_yardsticks = false)"
    return f"{name} reaches {score:.4g} on {metric}, B {own:.4g}: what it does is enough here; this {effect}."


def leak_sentence(leaks: Sequence[Leak], *, spoilt: bool) -> list[str]:
    """What the training knows, and what follows."""
    if not leaks:
        return []
    some = ", ".join(f"{leak.item} ({leak.kind})" for leak in leaks[:5]) + (" …" if len(leaks) > 5 else "")
    effect = "too few others are left: no gain can be shown" if spoilt else "they were left out"
    return [f"{len(leaks)} items are known from the training; {effect}: {some}."]


def set_json(eval_set: EvalSet) -> dict[str, Any]:
    """The set, counted by part."""
    parts = {part.value: sum(item.part is part for item in eval_set.items) for part in Part}
    return {"id": eval_set.id, "name": eval_set.name, "parts": {name: n for name, n in parts.items() if n}}


def arm_json(arm: Scored, left_out: set[str]) -> dict[str, Any]:
    """An arm: source, costs, every metric's mean with its interval."""
    means = {metric: asdict(mean_score_of(arm, metric, left_out)) for metric in arm.scores}
    return {"name": arm.name, "source": arm.record.source, **asdict(summarise(arm.record)), "scores": means}


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
