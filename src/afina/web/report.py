"""A report as one self-contained page: no script, no network, plots as SVG inside."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, PackageLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from afina.store.paths import write_whole

INK, QUIET, OWN = "#22302a", "#a9b8b0", "#1f7a4d"


def svg(figure: Figure) -> str:
    """A figure as an <svg> element."""
    buffer = io.StringIO()
    # Text stays text (selectable, small), and equal input gives equal output.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "afina", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def plain_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A small figure without a box."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    return figure, axes


def score_plot(entry: dict[str, Any]) -> str:
    """Accuracy of every arm with its 95 % interval."""
    arms = [("base", entry["base"]), *entry["yardsticks"].items(), ("tuned", entry["tuned"])]
    figure, axes = plain_axes(6.4, 0.5 * len(arms) + 0.6)
    for at, (name, arm) in enumerate(reversed(arms)):
        axes.barh(at, arm["score"], color=OWN if name == "tuned" else QUIET, height=0.6)
        axes.plot([arm["low"], arm["high"]], [at, at], color=INK, linewidth=1.5)
        axes.text(min(arm["high"] + 0.01, 1.0), at, f"{arm['score']:.1%}", va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(arms)), [name for name, _ in reversed(arms)])
    axes.set_xlim(0, 1.1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    return svg(figure)


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
                list(own), list(own.values()), color=colour, label=name.removeprefix("loss/"), marker=".", markersize=4
            )
    axes.set_xlabel("optimiser step", fontsize=9)
    axes.set_ylabel("nats per answer token", fontsize=9)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    return svg(figure)


def write_report_page(
    report: dict[str, Any], out: Path, *, curves: Mapping[str, Path], notes: tuple[str, ...] = ()
) -> None:
    """Write the page. `curves` are the runs' `curve.jsonl` by task."""
    environment = Environment(loader=PackageLoader("afina.web", "."), autoescape=True)
    tasks = [
        {
            **entry,
            "plot": score_plot(entry),
            "curve": curve_plot(curves[entry["task"]]) if entry["task"] in curves else "",
        }
        for entry in report["tasks"]
    ]
    write_whole(out, environment.get_template("report.html.jinja").render(tasks=tasks, report=report, notes=notes))
