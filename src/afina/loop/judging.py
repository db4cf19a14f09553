"""Arms on one set → records → verdict, as plain data that pages and scripts read. Needs no database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from afina.errors import InputError
from afina.evaluate.arms import Arm
from afina.evaluate.contamination import Leak, find_leaks
from afina.evaluate.metrics import Metric, load_metric, score_outputs
from afina.evaluate.record import head_of, is_record, read_record, write_record
from afina.evaluate.run import as_line, as_lines, run_arm
from afina.evaluate.score import mean_or_share
from afina.evaluate.sets import only_parts
from afina.evaluate.summary import summarise
from afina.loop.labels import calibration, label_changes
from afina.loop.narrate import Narrator
from afina.loop.scores import Scores, pair_all
from afina.records import EvalItem, EvalRecord, EvalSet, Part, Score
from afina.release.decide import Decision, Outcome, Policy, decide
from afina.store.paths import write_whole

FORMAT, VERSION = "afina-verdict", 1
GUARDED = (Part.SAFETY, Part.FORGETTING)
LIKELIHOOD = "log_likelihood"
MOST_FAILED = 0.1
"""Share of questions that may fail, by the line or the server, before a comparison says nothing."""
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
    arms: Sequence[Arm],
    eval_set: EvalSet,
    metrics: Sequence[str],
    folder: Path,
    narrator: Narrator,
    *,
    fresh: bool = False,
) -> list[Scored]:
    """Ask every arm that has no finished record of this set in `folder`; score all. One arm after the other: one model in memory.

    `fresh`: ask all. What an address or a server answers may have changed without its name.

    Raises:
        InputError: two arms of one name; a metric is unknown or fails.
    """
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1 or not name or "/" in name or name.startswith(".") or name.endswith(".partial"):
            raise InputError(f"the arm's name {name!r} is there twice or cannot be a file's name")
    loaded = [load_metric(name) for name in metrics]
    for path in (folder / f"{name}{kind}" for name in names for kind in (".jsonl", ".partial.jsonl")) if fresh else ():
        if path.exists() and is_record(path):
            path.unlink()
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
    """One arm; its record is written whole when the last item is answered.

    Raises:
        InputError: a file of the record's name is there that is no record.
    """
    eval_set = eval_set if arm.parts is None else only_parts(eval_set, arm.parts)
    path, partial = folder / f"{arm.name}.jsonl", folder / f"{arm.name}.partial.jsonl"
    record = finished(path, eval_set, arm)
    if record is not None and any(output.error for output in record.outputs):
        good = [as_line(output) for output in record.outputs if not output.error]
        write_whole(partial, as_lines(head_of(eval_set, arm.name, arm.source), *good))
        record = None  # what failed is asked again: the line may have been down
    if record is None:
        record = run_arm(arm, eval_set, partial=partial, on_item=on_item)
    scored = score_record(record, metrics)
    write_record(path, record, scored.scores)
    partial.unlink(missing_ok=True)
    return scored


def finished(path: Path, eval_set: EvalSet, arm: Arm) -> EvalRecord | None:
    """The record of the same arm on the same set, if it is there and whole.

    Raises:
        InputError: there is a file that is no record, which would be written over.
    """
    if path.exists() and not is_record(path):
        raise InputError(
            f"{path} is there and is no record of an evaluation",
            remedy="choose another --out, or another name for the arm",
        )
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
        worst = min(weighed.values())  # a failed answer has a score too
        failed = [o.item for o in record.outputs if o.error and o.item in scores.get(metrics[0].name, {})]
        scores[LIKELIHOOD] = {**dict.fromkeys(failed, worst), **weighed}
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
    leaks = find_leaks(checked, training) if leaks is None else leaks
    hidden = {*shown, *(name for name in new_arm.scores if name.startswith(f"{Part.STRESS.value}/"))}
    left_out = {leak.item for leak in leaks}
    spoilt = too_few_left(new_arm, left_out, hidden, least=policy.min_items)
    left_out = set() if spoilt else left_out
    old, new = (with_groups(arm, left_out, hidden) for arm in (old_arm, new_arm))
    if not any(is_target(metric) and metric not in policy.guards for metric in new):
        raise InputError(
            "no measure is left that can decide",
            remedy="`--metric` names the measures; they need `expected`, `rules` or `context` in the items, and one must be no guard",
        )
    order = list(new_arm.scores)
    pairs = sorted(pair_all(old, new, a_name=a, b_name=b), key=lambda p: order.index(p.metric))
    if unknown := sorted(policy.guards.keys() - {p.metric for p in pairs}):
        raise InputError(
            f"the guard {unknown[0]!r} is no measure here", remedy=f"there are {', '.join(p.metric for p in pairs)}"
        )
    policy = policy_for([p.metric for p in pairs], policy, margin=margin)
    decision = decide(pairs, policy)
    target = decision.comparisons[0].metric
    lost_to = losses_to(arms, target, a=a, b=b, left_out=left_out)
    losses = [loss_sentence(name, score, own, target, blocks=must_beat) for name, score, own in lost_to]
    helped = [help_sentence(*one, target) for one in helped_by(arms, target, b=b, left_out=left_out)]
    known, silent = leak_sentence(leaks, spoilt=spoilt), failure_sentence([old_arm, new_arm])
    outcome, cause, because = outcome_of(
        decision, spoilt=known if spoilt else [], blocked=losses if must_beat else [], failed=silent
    )
    return {
        "format": FORMAT, "version": VERSION, "outcome": outcome.value, "go": outcome is Outcome.GO, "cause": cause, "because": because,
        "a": a, "b": b, "metrics": list(decision.metrics), "checked": bool(training) or bool(leaks),
        "lost_to": [{"name": name, "score": score, "own": own, "metric": target, "blocks": must_beat} for name, score, own in lost_to],
        "reasons": [*silent, *losses, *known, *decision.reasons, *helped],
        "policy": asdict(policy), "set": set_json(eval_set), "arms": [arm_json(arm, left_out) for arm in arms],
        "comparisons": [asdict(one) for one in decision.comparisons], "leaks": [asdict(leak) for leak in leaks],
        "changes": changes(old_arm, new_arm, decision, left_out),
        "labels": label_changes(old_arm.record, new_arm.record, left_out),
        "calibration": calibration(new_arm.record, {k: v for k, v in new_arm.scores[target].items() if k not in left_out}),
    }  # fmt: skip


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


def failure_sentence(arms: Sequence[Scored]) -> list[str]:
    """Arms of which more than a tenth of the questions failed, with the first error."""
    said = []
    for arm in arms:
        errors = [output.error for output in arm.record.outputs if output.error]
        if len(errors) > MOST_FAILED * len(arm.record.outputs):
            said.append(
                f"{arm.name} failed on {len(errors)} of {len(arm.record.outputs)} questions ({errors[0][:200]}); run it again."
            )
    return said


def means_of(arms: Sequence[Scored], metric: str, left_out: set[str]) -> dict[str, float]:
    """Every arm's mean on a measure that it has."""
    kept = {arm.name: [v for i, v in arm.scores.get(metric, {}).items() if i not in left_out] for arm in arms}
    return {name: fmean(values) for name, values in kept.items() if values}


def losses_to(
    arms: Sequence[Scored], metric: str, *, a: str, b: str, left_out: set[str]
) -> list[tuple[str, float, float]]:
    """Arms beside A and B whose mean on the target is above B's: (name, their mean, B's). B with help is no arm to lose to."""
    means = means_of(arms, metric, left_out)
    others = {arm.name for arm in arms} - {a, b} - {arm.name for arm in helped_arms(arms, b)}
    return [(name, value, means[b]) for name, value in means.items() if name in others and value > means[b]]


def helped_arms(arms: Sequence[Scored], b: str) -> list[Scored]:
    """B's own model, asked with examples in its prompt."""
    own = next(arm for arm in arms if arm.name == b).record.source
    return [
        arm
        for arm in arms
        if arm.name != b and "nearest" in arm.record.source
        and all(arm.record.source.get(key) == own.get(key) for key in ("kind", "blake2b", "url", "model"))
    ]  # fmt: skip


def helped_by(arms: Sequence[Scored], metric: str, *, b: str, left_out: set[str]) -> list[tuple[str, float, float]]:
    """B with examples in its prompt, where that is better than B alone: (name, its mean, B's)."""
    means = means_of(arms, metric, left_out)
    names = [arm.name for arm in helped_arms(arms, b)]
    return [(name, means[name], means[b]) for name in names if means.get(name, 0.0) > means[b]]


def help_sentence(name: str, score: float, own: float, metric: str) -> str:
    """Tuning and examples together are better than tuning alone."""
    return f"{name} reaches {score:.4g} on {metric}, B alone {own:.4g}: examples in the prompt add to it."


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
