"""The loop's report as one self-contained page: no script, no network, every measure drawn over the generations."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from afina.loop.report import TRAFFIC, Generation, LoopReport, generation_cells, summary, traffic_cells
from afina.store.paths import write_whole
from afina.texts import language, t
from afina.web.plots import OWN, QUIET, plain, plain_axes, svg


def write_loop_page(report: LoopReport, out: Path) -> None:
    """Write the page in the language of this process."""
    environment = Environment(loader=PackageLoader("afina.web", "."), autoescape=True, undefined=StrictUndefined)
    environment.globals.update(t=t, language=language())
    write_whole(
        out,
        environment.get_template("loop.html.jinja").render(
            report=report,
            summary=summary(report),
            head=TRAFFIC,
            traffic=[traffic_cells(row) for row in report.traffic],
            generations=[generation_cells(one) for one in report.generations],
            plots=drift_plots(report.generations),
        ),
    )


def drift_plots(generations: Sequence[Generation]) -> list[tuple[str, str]]:
    """Measure and its plot: ours and the frozen base's on the same questions, generation by generation."""
    measures = list(dict.fromkeys(name for one in generations for name in one.own))
    return [(name, drift_plot(name, generations)) for name in measures] if len(generations) > 1 else []


def drift_plot(measure: str, generations: Sequence[Generation]) -> str:
    """One measure."""
    figure, axes = plain_axes(6.4, 2.0)
    for label, colour, values in (
        (t("base (untuned)"), QUIET, [one.base.get(measure) for one in generations]),
        (t("tuned"), OWN, [one.own.get(measure) for one in generations]),
    ):
        points = [(at, value) for at, value in enumerate(values) if value is not None]
        axes.plot(
            [at for at, _ in points],
            [value for _, value in points],
            color=colour,
            marker="o",
            markersize=4,
            label=label,
        )
    axes.set_xticks(range(len(generations)), [plain(one.name.rpartition(":")[2]) for one in generations])
    axes.legend(frameon=False, fontsize=9)
    return svg(figure)
