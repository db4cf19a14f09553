"""Candidate bases on the task's own items: score, speed, memory, and which one wins under constraints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import tomlkit

from afina.errors import AfinaError, InputError
from afina.evaluate.ask import ask_arms
from afina.evaluate.metrics import load_metric
from afina.flows.sources import ArmSettings, open_source
from afina.progress import Tell
from afina.records import EvalSet, Part, Scored
from afina.verdict.summary import summarise

FIGURES = ("avg_score", "tokens_per_sec", "ram_usage_mb", "yaml_valid_rate", "completeness", "failed")
OLLAMA = "http://127.0.0.1:11434/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a base must reach: score and share of valid YAML from 0 to 1, tokens a second, megabytes. 0 = no such constraint."""

    score: float = 0.65
    yaml: float = 0.8
    tokens_per_s: float = 10.0
    ram_mb: float = 8000.0

    def unmet(self, found: Mapping[str, Any]) -> list[str]:
        """The constraints that a model does not meet, with its figures; a figure that is not known meets none."""
        rows = (
            ("avg_score", self.score, found["avg_score"] > self.score),
            ("yaml_valid_rate", self.yaml, found["yaml_valid_rate"] > self.yaml),
            ("tokens_per_sec", self.tokens_per_s, (found["tokens_per_sec"] or 0.0) > self.tokens_per_s),
            ("ram_usage_mb", self.ram_mb, found["ram_usage_mb"] is not None and found["ram_usage_mb"] < self.ram_mb),
        )
        return [f"{name} {found[name]} (asked: {limit:g})" for name, limit, met in rows if limit and not met]


def source_of(name: str) -> str:
    """A candidate's source: `ollama:NAME` is asked where Ollama listens; all else is as for `--arm`."""
    return f"{OLLAMA}#{name.removeprefix('ollama:')}" if name.startswith("ollama:") else name


def file_name(name: str) -> str:
    """A candidate's name as a file's: its last part, and a mark of the whole, because two folders may hold a `model.gguf` each."""
    last = name.rstrip("/").rsplit("/", maxsplit=1)[-1].removesuffix(".gguf")
    plain = "".join(c if c.isalnum() or c in "._-" else "-" for c in last).strip(".-")
    return f"{plain or 'model'}-{blake2b(name.encode(), digest_size=3).hexdigest()}"


def bench_models(
    names: Sequence[str], eval_set: EvalSet, metric: str, place: ArmSettings, tell: Tell
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Model → the document's figures, and model → why it could not be asked. One model is in memory at a time.

    What was answered before an interruption is not asked again.

    Raises:
        InputError: the metric is unknown or fails.
    """
    metrics = list(dict.fromkeys([metric, "yaml_valid", "completeness"]))
    if not any(load_metric(metric).applies(item) for item in eval_set.items if item.part is Part.TARGET):
        raise InputError(
            f"the measure {metric} applies to no item of {eval_set.name}", remedy="`--metric` names another"
        )
    found, failed = {}, {}
    for at, name in enumerate(names):
        tell(at, len(names), name)
        try:
            source = source_of(name)
            arms = open_source(file_name(name), source, place)
            scored = ask_arms(arms, eval_set, metrics, place.folder, tell=tell)
        except AfinaError as exc:
            failed[name] = str(exc)
            continue
        found[name] = figures(scored[0], metric)
    return found, failed


def figures(scored: Scored, metric: str) -> dict[str, Any]:
    """One model. Completeness is of items whose rule `schema` says what belongs into an answer."""
    cost = summarise(scored.record)
    means = {name: share_of(values) for name, values in scored.scores.items()}
    return {
        "avg_score": means[load_metric(metric).name],
        "tokens_per_sec": cost.tokens_per_s,
        "ram_usage_mb": cost.peak_rss_mb,
        "yaml_valid_rate": means.get("yaml_valid", 0.0),
        "completeness": means.get("completeness"),
        "items": cost.items,
        "failed": cost.failed,
    }


def share_of(values: Mapping[str, float]) -> float:
    """A mean, as the reports print it."""
    return round(sum(values.values()) / len(values), 4) if values else 0.0


def pick_winner(found: Mapping[str, Mapping[str, Any]], constraints: Constraints) -> str:
    """The best score among those that meet all constraints; "" when none does."""
    able = [name for name, row in found.items() if not constraints.unmet(row)]
    return max(able, key=lambda name: (found[name]["avg_score"], found[name]["tokens_per_sec"] or 0.0), default="")


def as_markdown(
    found: Mapping[str, Mapping[str, Any]],
    failed: Mapping[str, str],
    constraints: Constraints,
    *,
    metric: str,
    eval_set: EvalSet,
) -> str:
    """The comparison as a page to keep beside the code."""
    winner = pick_winner(found, constraints)
    lines = [
        f"# Candidate bases on {eval_set.name}",
        "",
        f"{len(eval_set.items)} items (set {eval_set.id}), score: `{metric}`.",
        "",
        "| model | score | tokens/s | RAM, MB | valid YAML | completeness | failed | constraints |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in sorted(found.items(), key=lambda pair: -pair[1]["avg_score"]):
        unmet = "; ".join(constraints.unmet(row)) or "met"
        figures_of = ["–" if row[name] is None else row[name] for name in FIGURES]
        lines.append(
            f"| {'**' + name + '**' if name == winner else name} | {' | '.join(map(str, figures_of))} | {unmet} |"
        )
    lines += [f"| {name} | could not be asked: {why} |||||||" for name, why in failed.items()]
    lines += ["", f"Winner: **{winner}**." if winner else "No candidate meets all constraints.", ""]
    return "\n".join(lines)


def only_first(eval_set: EvalSet, limit: int) -> Sequence[Any]:
    """At most so many items; 0 = all."""
    return eval_set.items[:limit] if limit else eval_set.items


def set_default_base(settings_file: Path, name: str) -> str:
    """The text of an `afina.toml` with another base in it; everything else stays as it is written."""
    document = tomlkit.parse(settings_file.read_text("utf-8"))
    document.setdefault("base", tomlkit.table())["model"] = name
    return tomlkit.dumps(document)
