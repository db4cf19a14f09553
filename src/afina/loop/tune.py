"""Dataset → adapter → GGUF, and what a report says of them: the middle of the wheel, with or without a database."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.bases import resolve_base, semilla
from afina.bases.folder import base_mark
from afina.chat import classify_turns, render_answer
from afina.chat.render import load_renderer
from afina.errors import ExportError
from afina.export.export import Exported, export_model, require_exportable
from afina.loop.freezing import unlearnt_sentences
from afina.loop.narrate import Stages
from afina.records import ChatResult, Dataset, EvalResult, Example, Score, Turn, Verdict
from afina.settings import Settings, TrainSettings, read_train_settings
from afina.train.encode import Encoded, encode_chats
from afina.train.loop import TrainResult, train

PROBES = 8
"""Prompts of the dataset that the parity check compares, beside its own."""


def recommended_training(base: str, settings: TrainSettings) -> TrainSettings:
    """The built-in base brings its own training settings; an explicit setting of the user wins."""
    return read_train_settings(semilla.TRAINING) if base == semilla.NAME and settings == TrainSettings() else settings


def chats(examples: Sequence[Example], *, fields: Sequence[str]) -> list[tuple[Turn, ...]]:
    """Examples as whole chats."""
    return [
        (*classify_turns(e.text, fields=fields), Turn("assistant", render_answer(e.target, fields=fields)))
        for e in examples
    ]


def train_stage(
    dataset: Dataset,
    settings: Settings,
    stages: Stages,
    *,
    run_folder: Path,
    resume: bool = False,
    must_wait: Callable[[], bool] = lambda: False,
) -> TrainResult:
    """Encode and train."""
    parts = (chats(dataset.train, fields=dataset.fields), chats(dataset.validation, fields=dataset.fields))
    return train_chats(*parts, settings, stages, run_folder=run_folder, resume=resume, must_wait=must_wait)


def train_chats(
    train_part: Sequence[Sequence[Turn]],
    validation_part: Sequence[Sequence[Turn]],
    settings: Settings,
    stages: Stages,
    *,
    run_folder: Path,
    resume: bool = False,
    only_last: bool = False,
    must_wait: Callable[[], bool] = lambda: False,
) -> TrainResult:
    """Make sure that the result can be exported, encode, train."""
    base = resolve_base(settings.base.model)
    config = recommended_training(settings.base.model, settings.train)
    with stages.stage("train"):
        for notice in config.notices():
            stages.narrator.progress(0, 1, notice)
        if settings.base.model != semilla.NAME:  # every export of the built-in base is tested; the check takes seconds
            require_exportable(base)
        renderer = load_renderer(base)
        said: list[str] = []
        limit, too_long = config.training.max_seq_length, config.training.too_long
        encoded = Encoded(*(
            encode_chats(
                part, renderer, max_tokens=limit, only_last=only_last, too_long=too_long,
                say=said.append,
            )
            for part in (train_part, validation_part)
        ))  # fmt: skip
        result = train(
            encoded,
            config,
            base=base,
            out=run_folder,
            resume=resume,
            must_wait=must_wait,
            on_progress=lambda p: stages.narrator.progress(
                p.step,
                p.steps,
                f"loss {p.loss:.3f}" + (f", validation {p.validation_loss:.3f}" if p.validation_loss else ""),
            ),
        )
        stages.note = "; ".join((
            f"{result.steps} steps, best at {result.best_step}, validation loss {result.validation_loss:.3f}", *said,
        ))  # fmt: skip
    return result


def export_stage(
    dataset: Dataset, settings: Settings, stages: Stages, *, adapter: Path, out: Path, name: str
) -> Exported:
    """Export the tuned model; the parity check uses some of the dataset's own prompts."""
    probes = [classify_turns(e.text, fields=dataset.fields) for e in dataset.validation[:PROBES]]
    return export_tuned(probes, settings, stages, adapter=adapter, out=out, name=name)


def export_tuned(
    probes: Sequence[Sequence[Turn]],
    settings: Settings,
    stages: Stages,
    *,
    adapter: Path,
    out: Path,
    name: str,
    system: str = "",
) -> Exported:
    """Export a tuned model; parity is checked on the probes too."""
    base = resolve_base(settings.base.model)
    with stages.stage("export"):
        steps = iter(range(1, 10))
        try:
            exported = export_model(
                base, adapter, out, settings.runtime, quantisation=settings.export.quantisation, name=name, chats=probes,
                system=system, say=lambda what: stages.narrator.progress(next(steps), 6, what),
            )  # fmt: skip
        except ExportError as exc:
            again = f"afina export --model {settings.base.model} --adapter {adapter} --quant f16 --out {out}"
            raise ExportError(
                f"{exc} (the training is kept in {adapter})",
                remedy=f"{exc.remedy}; nothing has to be trained again: {again}",
            ) from exc
        worst = exported.card["parity"]["f32"]["max_difference"]
        stages.note = f"{exported.card['bytes'] / 1e6:.1f} MB {settings.export.quantisation}, parity {worst:.4f} nats"
    return exported


def base_stage(settings: Settings, stages: Stages, *, folder: Path) -> Path:
    """The untuned base as a file, before anything is trained: what cannot be exported (an unknown tokenizer, a template that
    the runtime renders otherwise) is refused here, and the verdict needs the file in any case.
    """
    with stages.stage("base"):
        gguf = base_gguf(settings, folder=folder)
        stages.note = f"{gguf.stat().st_size / 1e6:.1f} MB {settings.export.quantisation}"
    return gguf


def base_gguf(settings: Settings, *, folder: Path) -> Path:
    """The untuned base as a GGUF of the same quantisation, made once for each content: other weights may come to lie under a path."""
    base = resolve_base(settings.base.model)
    quantisation = settings.export.quantisation
    content = [f"{base}/{base_mark(base)}".encode()]
    content += [path.read_bytes() for path in sorted(base.iterdir()) if path.suffix in {".json", ".jinja", ".txt"}]
    mark = blake2b(b"\0".join(content), digest_size=6).hexdigest()
    out = folder / f"{base.name}-{quantisation}-{mark}" / f"base-{quantisation}.gguf"
    if not out.is_file():
        export_model(base, None, out, settings.runtime, quantisation=quantisation, name=f"{base.name}-base")
    return out


def score_json(score: Score) -> dict[str, float | int]:
    """A score for a report."""
    return {"score": round(score.score, 4), "low": round(score.low, 4), "high": round(score.high, 4), "n": score.n}


def arm_json(result: EvalResult) -> dict[str, Any]:
    """An arm for a report: accuracy at the top, macro-F1 and fields below."""
    return {
        **score_json(result.accuracy),
        "macro_f1": score_json(result.macro_f1),
        "per_field": {name: score_json(score) for name, score in result.per_field.items()},
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict for a report."""
    return {
        "verdict": verdict.outcome,
        "reasons": list(verdict.reasons),
        "p_value": verdict.p_value,
        "difference": {
            "mean": round(verdict.difference, 4),
            "low": round(verdict.low, 4),
            "high": round(verdict.high, 4),
        },
    }


def served_json(tuned: EvalResult | ChatResult, settings: Settings, *, gguf: Path) -> dict[str, Any]:
    """The served file for a report: size, speed, memory."""
    return {
        "gguf": str(gguf),
        "gguf_bytes": gguf.stat().st_size,
        "quantisation": settings.export.quantisation,
        "tokens_per_s": round(tuned.tokens_per_s or 0, 1),
        "p95_ms": round(tuned.p95_ms or 0, 1),
        "peak_rss_mb": round(tuned.peak_rss_mb or 0, 1),
    }


def task_report(
    dataset: Dataset,
    settings: Settings,
    *,
    base: EvalResult,
    tuned: EvalResult,
    yardsticks: Sequence[EvalResult],
    verdict: Verdict,
    gguf: Path,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """One entry of a report's `tasks`."""
    return {
        "task": dataset.task,
        "dataset": dataset.id,
        "base_model": settings.base.model,
        "rows": dataset.card["rows"],
        "labels_not_in_training": dataset.card.get("labels_not_in_training", {}),
        "notices": unlearnt_sentences(dataset.card),
        "base": arm_json(base),
        "yardsticks": {y.arm: arm_json(y) for y in yardsticks},
        "tuned": arm_json(tuned),
        **verdict_json(verdict),
        **served_json(tuned, settings, gguf=gguf),
        "seconds": seconds,
    }
