"""What a version's evaluation comes to, as one entry of a report: the same keys for every kind, as far as there are figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from afina.flows.freeze import unlearnt_sentences
from afina.records import LIKELIHOOD, Dataset, Fields, Part, Score, Scored, Verdict
from afina.runtime import base_of, gguf_facts
from afina.settings import Settings
from afina.verdict.intervals import macro_f1, share
from afina.verdict.judge import mean_score_of
from afina.verdict.labels import are_labels, read_labels
from afina.verdict.summary import summarise

SHOWN = 5
"""Held-out messages that the report shows with what was expected and written."""


class Compared(Protocol):
    """What a report needs of a comparison."""

    @property
    def dataset(self) -> Dataset:
        """The held-out part's."""
        ...

    @property
    def settings(self) -> Settings:
        """What it was made with."""
        ...

    @property
    def tuned(self) -> Path:
        """The served file."""
        ...


def task_report(
    compared: Compared, scored: Sequence[Scored], verdict: Verdict, *, metric: str, seconds: dict[str, float]
) -> dict[str, Any]:
    """The entry. `metric` stands at its top."""
    by_name = {one.name: one for one in scored}
    dataset, settings, tuned = compared.dataset, compared.settings, by_name[verdict.b]
    others = {name: one for name, one in by_name.items() if name not in {"base", verdict.b}}
    return {
        "task": dataset.task,
        "kind": dataset.kind,
        "metric": metric,
        "dataset": dataset.id,
        "base_model": settings.base.model,
        "rows": dataset.card["rows"],
        "labels_not_in_training": dataset.card.get("labels_not_in_training", {}),
        "notices": [*unlearnt_sentences(dataset.card), *left_out_sentences(verdict)],
        "base": arm_json(by_name["base"], metric),
        "baselines": {name: arm_json(one, metric) for name, one in others.items()},
        "tuned": arm_json(tuned, metric),
        **verdict_json(verdict),
        "replies": replies(by_name["base"], tuned, metric),
        **served_json(tuned, gguf=compared.tuned),
        "seconds": dict(seconds),
    }


def left_out_sentences(verdict: Verdict) -> list[str]:
    """Why the verdict's figures are of fewer items than the table's."""
    first = verdict.first
    count = verdict.eval_set.parts.get(Part.TARGET.value, 0) - first.n
    if count <= 0 or not verdict.leaks:
        return []
    return [
        f"the verdict leaves {count} items out that training knows: on the other {first.n} {verdict.a} reaches {first.a:.4g}, "
        f"{verdict.b} {first.b:.4g}"
    ]


def arm_json(scored: Scored, metric: str) -> dict[str, Any]:
    """An arm: the first measure at the top; below the others, where it has them."""
    found: dict[str, Any] = score_json(mean_score_of(scored, metric)) if metric in scored.scores else {}
    more = [name for name in scored.scores if "/" not in name and name not in {metric, LIKELIHOOD}]
    if LIKELIHOOD in scored.scores:
        found["log_likelihood"] = score_json(mean_score_of(scored, LIKELIHOOD))
    found |= {name: score_json(mean_score_of(scored, name)) for name in more}
    return found | label_figures(scored)


def label_figures(scored: Scored) -> dict[str, Any]:
    """Macro-F1, and the share of right labels by field, where the expected answers are labels."""
    pairs = [
        (read_labels(item.expected), read_labels(output.text))
        for item, output in zip(scored.record.eval_set.items, scored.record.outputs, strict=True)
        if item.part is Part.TARGET
    ]
    truth: list[Fields] = [expected for expected, _ in pairs]
    answers: list[Fields] = [answer for _, answer in pairs]
    if not are_labels(truth):
        return {}
    return {
        "macro_f1": score_json(macro_f1(truth, answers)),
        "per_field": {
            field: score_json(share([answer.get(field) == one[field] for one, answer in pairs])) for field in truth[0]
        },
    }


def score_json(score: Score) -> dict[str, float | int]:
    """A score with its interval."""
    return {"score": round(score.score, 4), "low": round(score.low, 4), "high": round(score.high, 4), "n": score.n}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict; its figures are the first target's."""
    first = verdict.first
    return {
        "verdict": verdict.outcome.value,
        "because": verdict.because,
        "reasons": list(verdict.reasons),
        "p_value": verdict.p_value,
        "difference": {
            "mean": round(first.difference, 4),
            "low": round(first.low, 4),
            "high": round(first.high, 4),
        },
    }


def replies(base: Scored, tuned: Scored, metric: str) -> list[dict[str, Any]]:
    """Some held-out messages with what was expected, what the base and what the tuned model wrote."""
    old = {output.item: output.text for output in base.record.outputs}
    scores = tuned.scores.get(metric, {})
    asked = [
        (item, output)
        for item, output in zip(tuned.record.eval_set.items, tuned.record.outputs, strict=True)
        if item.part is Part.TARGET and item.turns and item.id in scores
    ]
    return [
        {
            "message": item.question,
            "expected": item.expected,
            "base": old.get(item.id, ""),
            "tuned": output.text,
            "score": round(scores[item.id], 4),
        }
        for item, output in asked[:SHOWN]
    ]


def served_json(tuned: Scored, *, gguf: Path) -> dict[str, Any]:
    """The served file: size, speed, memory."""
    cost = summarise(tuned.record)
    return {
        "gguf": str(gguf),
        "gguf_bytes": gguf.stat().st_size,
        "quantisation": gguf_facts(base_of(gguf)).kind,
        "tokens_per_s": round(cost.tokens_per_s or 0, 1),
        "p95_ms": round(cost.p95_ms or 0, 1),
        "peak_rss_mb": round(cost.peak_rss_mb or 0, 1),
    }
