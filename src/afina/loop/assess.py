"""The wheel's evaluation: a dataset's held-out part with the safety and forgetting items, asked of all arms, judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from afina.bases import resolve_base
from afina.chat import answer_schema, classify_turns, parse_answer, render_answer
from afina.chat.render import load_renderer
from afina.evaluate.arms import TARGET, Arm, Nearest, Pair, gguf_arm, lookup_arm
from afina.evaluate.score import score_answers
from afina.evaluate.sets import make_set
from afina.evaluate.summary import summarise
from afina.evaluate.yardsticks import YARDSTICKS, yardstick_arm
from afina.loop.asking import LIKELIHOOD, Scored, ask_arms
from afina.loop.beside import GUARDED
from afina.loop.evalsets import with_starters
from afina.loop.judging import judge, mean_score_of
from afina.loop.narrate import Stages
from afina.records import (
    Answered,
    ChatDataset,
    ChatResult,
    Dataset,
    EvalItem,
    EvalResult,
    EvalSet,
    Replied,
    Score,
    Verdict,
)
from afina.release.decide import Policy
from afina.settings import Settings

BASE, TUNED, NEAREST, LIVE = "base", "tuned", "nearest", "live"
R = TypeVar("R", EvalResult, ChatResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Generic[R]):
    """All arms' results and the verdict; `judged` is the whole of it as plain data, `scored` the records behind it."""

    base: R
    tuned: R
    yardsticks: tuple[R, ...]
    verdict: Verdict
    judged: dict[str, Any]
    scored: tuple[Scored, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The tuned version that is live: its file, and the messages that it was trained on."""

    gguf: Path
    seen: tuple[str, ...]


def labels_set(dataset: Dataset, *, guards: bool) -> EvalSet:
    """The test part of a classification as items, with the answers' schema."""
    items = [
        EvalItem(
            id=e.id, turns=classify_turns(e.text, fields=dataset.fields), expected=render_answer(e.target, fields=dataset.fields), group=e.group,
        )
        for e in dataset.test
    ]  # fmt: skip
    schema = answer_schema(dataset.labels, fields=dataset.fields)
    return make_set(dataset.task, with_starters(items, GUARDED if guards else ()), answer_schema=schema)


def replies_set(dataset: ChatDataset, *, guards: bool) -> EvalSet:
    """The test part of conversations as items."""
    items = [EvalItem(id=e.id, turns=e.context, expected=e.answer, group=e.group) for e in dataset.test]
    return make_set(dataset.task, with_starters(items, GUARDED if guards else ()))


def policy_of(settings: Settings, *, redeploy: bool = False, all_targets: bool = False) -> Policy:
    """What counts as better, by the settings."""
    options = settings.evaluate
    effect = options.redeploy_effect if redeploy else options.minimum_effect
    return Policy(alpha=options.alpha, minimum_effect=effect, min_items=options.min_items, all_targets=all_targets)


def assess_labels(
    dataset: Dataset,
    settings: Settings,
    stages: Stages,
    *,
    base: Path,
    tuned: Path,
    folder: Path,
    live: Live | None = None,
) -> Assessment[EvalResult]:
    """Base, base with nearest examples, tuned, and simple classifiers on the same messages. `folder` takes the records.

    With a tuned version that is `live` the new one is compared with that.
    """
    options, seen = settings.evaluate, [*dataset.train, *dataset.validation]
    pairs = [(e.text, render_answer(e.target, fields=dataset.fields)) for e in seen]
    eval_set = labels_set(dataset, guards=options.guards)
    with stages.stage("evaluate"):
        arms = [yardstick_arm(name, dataset) for name in YARDSTICKS]
        models = model_arms(settings, pairs, base=base, tuned=tuned, folder=folder, live=live.gguf if live else None)
        scored = ask_arms([*arms, *models], eval_set, ["fields"], folder, stages.narrator)
        results = {one.name: labels_result(one, dataset) for one in scored}
        old, new = results[BASE].accuracy.score, results[TUNED].accuracy.score
        stages.note = f"base {old:.1%}, tuned {new:.1%} of {len(dataset.test)} messages"
    training = [*(message for message, _ in pairs), *(live.seen if live else ())]
    judged, verdict = judge_stage(scored, settings, stages, training=training, a=LIVE if live else BASE)
    return assessment_of(results, scored, judged, verdict)


def assess_replies(
    dataset: ChatDataset, settings: Settings, stages: Stages, *, base: Path, tuned: Path, folder: Path
) -> Assessment[ChatResult]:
    """Base, base with nearest examples, tuned, and looking answers up: nearness to the real answers, and their likelihood."""
    pairs = [(e.context[-1].content, e.answer) for e in [*dataset.train, *dataset.validation]]
    eval_set = replies_set(dataset, guards=settings.evaluate.guards)
    with stages.stage("evaluate"):
        models = model_arms(settings, pairs, base=base, tuned=tuned, folder=folder, replies=True)
        arms = [lookup_arm(NEAREST, Nearest(pairs, k=1)), *models]
        scored = ask_arms(arms, eval_set, ["chrf"], folder, stages.narrator)
        results = {one.name: replies_result(one) for one in scored}
        stages.note = f"chrF base {100 * results[BASE].chrf.score:.1f}, tuned {100 * results[TUNED].chrf.score:.1f}"
    # nearer replies from a model to which the real answers became less likely are no gain: both must be better
    judged, verdict = judge_stage(
        scored, settings, stages, training=[message for message, _ in pairs], all_targets=True
    )
    return assessment_of(results, scored, judged, verdict)


def assessment_of(
    results: dict[str, R], scored: Sequence[Scored], judged: dict[str, Any], verdict: Verdict
) -> Assessment[R]:
    """Base, tuned, and everybody else as a yardstick."""
    others = tuple(result for name, result in results.items() if name not in {BASE, TUNED})
    return Assessment(
        base=results[BASE],
        tuned=results[TUNED],
        yardsticks=others,
        verdict=verdict,
        judged=judged,
        scored=tuple(scored),
    )


def model_arms(
    settings: Settings,
    pairs: Sequence[Pair],
    *,
    base: Path,
    tuned: Path,
    folder: Path,
    replies: bool = False,
    live: Path | None = None,
) -> list[Arm]:
    """Base and tuned as served; both with nearest examples beside them: the base so needs no training at all."""
    options = settings.evaluate
    renderer = load_renderer(resolve_base(settings.base.model)) if replies else None
    most = settings.chat.max_reply_tokens if replies else options.max_tokens
    more: dict[str, Any] = {"max_tokens": most, "timeout_s": options.timeout_s}
    shots = Nearest(pairs, k=options.nearest) if options.nearest else None
    arms = [gguf_arm(BASE, base, settings.runtime, log=folder / "base.log", likelihood=renderer, **more)]
    for name, gguf in ((BASE, base), (TUNED, tuned)) if shots else ():
        log = folder / f"{name}+{NEAREST}.log"
        arms.append(gguf_arm(f"{name}+{NEAREST}", gguf, settings.runtime, log=log, nearest=shots, parts=TARGET, **more))
    if live:
        arms.append(gguf_arm(LIVE, live, settings.runtime, log=folder / "live.log", **more))
    return [*arms, gguf_arm(TUNED, tuned, settings.runtime, log=folder / "tuned.log", likelihood=renderer, **more)]


def judge_stage(
    scored: Sequence[Scored],
    settings: Settings,
    stages: Stages,
    *,
    training: Sequence[str],
    a: str = BASE,
    all_targets: bool = False,
) -> tuple[dict[str, Any], Verdict]:
    """The verdict as plain data and as the database keeps it."""
    with stages.stage("verdict"):
        judged = judge(
            scored, a=a, b=TUNED, policy=policy_of(settings, redeploy=a == LIVE, all_targets=all_targets), margin=settings.evaluate.margin,
            training=training, must_beat=settings.evaluate.must_beat_yardsticks,
        )  # fmt: skip
        verdict = verdict_of(judged)
        stages.note = f"{verdict.outcome}, p = {verdict.p_value:.2g}"
    return judged, verdict


def verdict_of(judged: dict[str, Any]) -> Verdict:
    """The record. Its figures are the first target's; p is the deciding one: the largest where all targets must be better."""
    first = judged["comparisons"][0]
    adjusted = [one["adjusted"] for one in judged["comparisons"] if one["role"] == "target"]
    deciding = max(adjusted) if judged["policy"]["all_targets"] else min(adjusted)
    return Verdict(
        go=judged["go"], outcome=judged["outcome"], p_value=deciding, difference=first["difference"],
        low=first["low"], high=first["high"], n=first["n"], wins=first["wins"], losses=first["losses"],
        reasons=tuple(judged["reasons"]), because=judged["because"],
    )  # fmt: skip


def labels_result(scored: Scored, dataset: Dataset) -> EvalResult:
    """A record as the result of a classification."""
    outputs = {output.item: output for output in scored.record.outputs}
    answers = [
        Answered(
            id=e.id, target=e.target, answer=parse_answer(outputs[e.id].text, fields=dataset.fields),
            correct=scored.scores["fields"][e.id] == 1,
        )
        for e in dataset.test
    ]  # fmt: skip
    cost = summarise(scored.record)
    return score_answers(
        scored.name, answers, fields=dataset.fields, tokens_per_s=cost.tokens_per_s, peak_rss_mb=cost.peak_rss_mb, p95_ms=cost.p95_ms,
        seconds=scored.record.seconds,
    )  # fmt: skip


def replies_result(scored: Scored) -> ChatResult:
    """A record as the result of a chat task."""
    record = scored.record
    replies = tuple(
        Replied(
            id=item.id, group=item.group, expected=item.expected, reply=output.text, chrf=scored.scores["chrf"][item.id],
            log_likelihood=output.log_likelihood,
        )
        for item, output in zip(record.eval_set.items, record.outputs, strict=True)
        if item.id in scored.scores["chrf"]
    )  # fmt: skip
    cost = summarise(record)
    weighed: Score | None = mean_score_of(scored, LIKELIHOOD) if LIKELIHOOD in scored.scores else None
    return ChatResult(
        arm=scored.name, chrf=mean_score_of(scored, "chrf"), log_likelihood=weighed, replies=replies, tokens_per_s=cost.tokens_per_s,
        peak_rss_mb=cost.peak_rss_mb, p95_ms=cost.p95_ms, seconds=record.seconds,
    )  # fmt: skip
