"""A report as one self-contained page: no script, no network, plots as SVG inside."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from afina.store.paths import write_whole
from afina.texts import language, t
from afina.web.plots import OWN, QUIET, interval_bars, plain_axes, svg


def score_plot(entry: dict[str, Any]) -> str:
    """The first measure of every arm with its 95 % interval."""
    arms = [("base", entry["base"]), *entry["baselines"].items(), ("tuned", entry["tuned"])]
    return interval_bars([(name, arm, name == "tuned") for name, arm in arms], percent=entry["tuned"]["low"] >= 0)


def curve_plot(path: Path) -> str:
    """Training and validation loss over the steps; empty when there is no curve."""
    if not path.is_file():
        return ""
    points = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
    figure, axes = plain_axes(6.4, 2.6)
    for name, colour in (("loss/train", QUIET), ("loss/validation", OWN)):
        own = {p["step"]: p["value"] for p in points if p["name"] == name}
        if own:
            axes.plot(
                list(own),
                list(own.values()),
                color=colour,
                label=t(name.removeprefix("loss/")),
                marker=".",
                markersize=4,
            )
    axes.set_xlabel(t("optimiser step"), fontsize=9)
    axes.set_ylabel(t("nats per answer token"), fontsize=9)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    return svg(figure)


def write_report_page(
    report: dict[str, Any], out: Path, *, curves: Mapping[str, Path], notes: tuple[str, ...] = ()
) -> None:
    """Write the page in the language of this process. `curves` are the runs' `curve.jsonl` by task."""
    environment = Environment(loader=PackageLoader("afina.web", "."), autoescape=True)
    environment.globals.update(t=t, language=language())
    tasks = [
        {
            **entry,
            "plot": score_plot(entry),
            "curve": curve_plot(curves[entry["task"]]) if entry["task"] in curves else "",
        }
        for entry in report["tasks"]
    ]
    write_whole(out, environment.get_template("report.html.jinja").render(tasks=tasks, report=report, notes=notes))
