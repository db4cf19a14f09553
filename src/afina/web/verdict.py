"""A verdict as one self-contained page that a manager understands in a minute: no script, no network, Spanish or English."""

import tomllib
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from afina.records import Verdict
from afina.store.paths import write_whole
from afina.texts import t
from afina.verdict.decide import LEAST_GROUPS
from afina.web import plots

PERCENT = frozenset(
    {"exact", "fields", "rules", "regex", "json_valid", "yaml_valid", "schema_valid", "clean", "answered", "slot_exact"}
)
"""Measures that are a share of the questions."""


@cache
def texts(language: str) -> dict[str, str]:
    """The pages' texts in one language, by key."""
    found: dict[str, str] = tomllib.loads(resources.files("afina.web").joinpath("texts.toml").read_text("utf-8"))
    return {key: t(text, language) for key, text in found.items()}


def write_verdict_page(verdict: Verdict, out: Path, *, language: str = "en") -> None:
    """Write the page of a verdict (`verdict.json`)."""
    write_whole(out, verdict_page(verdict, language=language))


def verdict_page(verdict: Verdict, *, language: str) -> str:
    """The page as text."""
    environment = Environment(loader=PackageLoader("afina.web", "."), autoescape=True, undefined=StrictUndefined)
    own = texts(language)
    names = {"a": verdict.a, "b": verdict.b}

    def say(key: str, **more: Any) -> str:
        return own[key].format(**names, **more)

    def name(metric: str) -> str:
        part, _, plain = metric.rpartition("/")
        label = own.get(f"metric_{plain}", plain)
        return f"{own[f'part_{part}']}: {label}" if part else label

    first = verdict.comparisons[0]
    return environment.get_template("verdict.html.jinja").render(
        verdict=verdict,
        say=say,
        language=language,
        first=first,
        name=name,
        headline=headline(verdict, say, name),
        plots=all_plots(verdict, first.metric, name),
        shown=shown,
        unchecked=", ".join(own[f"unchecked_{one}"] for one in verdict.unchecked),
        prompts=[
            (arm.name, arm.source["system"])
            for arm in verdict.arms
            if arm.name in names.values() and "system" in arm.source
        ],
        parts=", ".join(f"{n} {own[f'part_{part}']}" for part, n in verdict.eval_set.parts.items()),
    )


def headline(verdict: Verdict, say: Any, name: Any) -> str:
    """The deciding rule in the page's language."""
    cause = verdict.cause.value
    deciding = next(one for one in verdict.comparisons if one.metric == verdict.metrics[0])
    metrics = ", ".join(map(name, verdict.metrics))
    if cause == "baseline":
        metrics = ", ".join(lost.name for lost in verdict.lost_to)
    if cause == "failed":
        counts = [f"{arm.name} {arm.failed}/{arm.items}" for arm in verdict.arms if arm.failed]
        cause, metrics = "no-answers", ", ".join(counts)
    text: str = say(
        cause.replace(" ", "-"),
        metrics=metrics,
        n=deciding.n,
        groups=deciding.groups,
        least=verdict.policy.min_items,
        least_groups=LEAST_GROUPS,
    )
    return text


def shown(metric: str, value: float) -> str:
    """A mean as people read it: shares in per cent."""
    return f"{100 * value:.1f} %" if metric.rsplit("/", maxsplit=1)[-1] in PERCENT else f"{value:.3g}"


def all_plots(verdict: Verdict, target: str, name: Any) -> dict[str, Any]:
    """Every plot there are figures for."""
    arms = [
        (arm.name, asdict(arm.scores[target]), arm.name == verdict.b)
        for arm in verdict.arms
        if target in arm.scores and not arm.silent
    ]
    policy = verdict.policy
    marks = {one.metric: policy.minimum_effect * abs(one.a) for one in verdict.comparisons}
    marks |= {metric: -margin for metric, margin in policy.guards.items()}
    found: dict[str, Any] = {
        "differences": plots.differences(verdict.comparisons, marks, name),
        "arms": plots.interval_bars(arms, percent=target.rsplit("/", maxsplit=1)[-1] in PERCENT) if arms else "",
        "labels": [],
        "calibration": "",
    }
    for field, one in verdict.labels.items():
        found["labels"].append(
            (
                field,
                plots.label_changes(one["changes"]),
                plots.confusion_grid(one["confusion"]["labels"], one["confusion"]["counts"]),
            )
        )
    if verdict.calibration:
        found["calibration"] = plots.reliability_plot(verdict.calibration["bins"])
    return found
