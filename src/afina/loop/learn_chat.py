"""`afina learn --task chat`: a file of conversations through the whole middle of the wheel, without a database."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afina.bases import resolve_base
from afina.capture.conversations import read_conversations
from afina.chat.render import load_renderer
from afina.curate.chats import CuratedChats, curate_chats
from afina.errors import NotEnoughDataError, TemplateError
from afina.freeze.chats import as_jsonl, freeze_chats
from afina.loop.assess import assess_replies
from afina.loop.learn import safe_name, with_minutes, write_rejects
from afina.loop.narrate import Narrator, Stages
from afina.loop.tune import PROBES, base_stage, export_tuned, score_json, served_json, train_chats, verdict_json
from afina.records import ChatDataset, ChatResult, Rejection, Verdict
from afina.settings import Settings
from afina.store.paths import write_json, write_whole

SHOWN = 5
"""Replies that the report shows beside the real ones."""


def learn_chat(
    data: Path,
    settings: Settings,
    narrator: Narrator,
    *,
    folder: Path,
    test: Path | None = None,
    minutes: float = 0,
    task: str = "",
    resume: bool = False,
) -> dict[str, Any]:
    """Turn conversations into a tuned model and an honest report, also written to `folder/report.json`.

    Raises:
        InputError, NotEnoughDataError: the file cannot be learnt from; says where and why.
    """
    settings = with_minutes(settings, minutes)
    stages = Stages(narrator)
    with stages.stage("curate"):
        curated = read_and_curate(data, settings)
        held_out = read_and_curate(test, settings) if test else None
        write_rejects(folder, [*curated.rejections, *(held_out.rejections if held_out else ())])
        stages.note = f"{len(curated.examples)} answers kept, {len(curated.rejections)} rejected"
    with stages.stage("freeze"):
        dataset = freeze_chats(
            curated.examples, settings.freeze, task=task or data.stem, system=settings.chat.system,
            test=held_out.examples if held_out else None,
        )  # fmt: skip
        write_whole(folder / dataset.id / "train.jsonl", as_jsonl([*dataset.train, *dataset.validation]))
        rows = dataset.card["rows"]
        require_items(rows["test"], settings)
        stages.note = f"{dataset.id}: {rows['train']} train, {rows['validation']} validation, {rows['test']} test"
    if not resume:
        shutil.rmtree(folder / dataset.id / "run", ignore_errors=True)
    entry = tune_chat(
        dataset, settings, stages, folder=folder / dataset.id, name=safe_name(dataset.task), bases=folder / "bases",
        resume=resume,
    )  # fmt: skip
    entry["rejected"] = dict(Counter(rejection.reason for rejection in curated.rejections))
    report = {"tasks": [entry]}
    write_json(folder / "report.json", report)
    return report


def tune_chat(
    dataset: ChatDataset,
    settings: Settings,
    stages: Stages,
    *,
    folder: Path,
    name: str,
    bases: Path,
    resume: bool = False,
) -> dict[str, Any]:
    """Train, export, evaluate, judge. Returns the report's entry."""
    base = base_stage(settings, stages, folder=bases)
    run = train_chats(
        [e.turns() for e in dataset.train], [e.turns() for e in dataset.validation], settings, stages,
        run_folder=folder / "run", resume=resume, only_last=True,
    )  # fmt: skip
    quantisation = settings.export.quantisation
    exported = export_tuned(
        [e.context for e in dataset.validation[:PROBES]], settings, stages, adapter=Path(run.adapter),
        out=folder / "model" / f"{name}-{quantisation}.gguf", name=name, system=dataset.system,
    )  # fmt: skip
    found = assess_replies(
        dataset,
        settings,
        stages,
        base=base,
        tuned=exported.gguf,
        folder=folder / "evaluation",
    )
    write_json(folder / "verdict.json", found.judged)
    return chat_report(
        dataset, settings, base=found.base, tuned=found.tuned, yardsticks=found.yardsticks, verdict=found.verdict, gguf=exported.gguf,
        seconds=stages.seconds,
    )  # fmt: skip


def read_and_curate(path: Path, settings: Settings) -> CuratedChats:
    """The answers of a file that are worth learning and fit into the model's window.

    A chat that the model's template refuses, or one too long to train on, or to leave room for a reply when it is served,
    is rejected here with the reason: found later it would end the whole run.
    """
    curated = curate_chats(read_conversations(path), settings.chat)
    renderer = load_renderer(resolve_base(settings.base.model))
    limit = min(settings.train.training.max_seq_length, settings.runtime.context - settings.chat.max_reply_tokens)
    kept, rejected = [], list(curated.rejections)
    for example in curated.examples:
        try:
            length = len(renderer.training(example.turns(), only_last=True).ids)
            reason = f"{length} tokens, more than {limit} (max_seq_length, and the context less a reply)"
        except TemplateError as exc:
            length, reason = limit + 1, str(exc)
        if length <= limit:
            kept.append(example)
        else:
            rejected.append(Rejection(text=example.answer, reason=reason, source=example.id))
    return CuratedChats(tuple(kept), tuple(rejected))


def require_items(count: int, settings: Settings) -> None:
    """Refuse before any training time is spent what no verdict could come from.

    Raises:
        NotEnoughDataError: too few held-out replies.
    """
    if count < settings.evaluate.min_items:
        raise NotEnoughDataError(
            f"{count} held-out replies, at least {settings.evaluate.min_items} are needed for a verdict",
            remedy="collect more conversations; rejects.json says why others were not used",
        )


def chat_arm(result: ChatResult) -> dict[str, Any]:
    """An arm for a report: chrF at the top, from 0 to 1, the likelihood of the real answers below, in nats a token."""
    likelihood = score_json(result.log_likelihood) if result.log_likelihood else None
    return {**score_json(result.chrf), "log_likelihood": likelihood}


def chat_report(
    dataset: ChatDataset,
    settings: Settings,
    *,
    base: ChatResult,
    tuned: ChatResult,
    yardsticks: Sequence[ChatResult],
    verdict: Verdict,
    gguf: Path,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """One entry of a report's `tasks`, of the metric `chrf`."""
    return {
        "task": dataset.task,
        "metric": "chrf",
        "dataset": dataset.id,
        "base_model": settings.base.model,
        "rows": dataset.card["rows"],
        "base": chat_arm(base),
        "yardsticks": {y.arm: chat_arm(y) for y in yardsticks},
        "tuned": chat_arm(tuned),
        **verdict_json(verdict),
        "replies": [
            {
                "message": example.context[-1].content, "expected": new.expected, "base": old.reply, "tuned": new.reply,
                "chrf": round(new.chrf, 4),
            }
            for example, old, new in list(zip(dataset.test, base.replies, tuned.replies, strict=True))[:SHOWN]
        ],
        **served_json(tuned, settings, gguf=gguf),
        "seconds": dict(seconds),
    }  # fmt: skip
