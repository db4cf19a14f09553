"""A role's quality as one self-contained page: its generations beside the base, its months."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from afina.flows.role_quality import Month, Reached, RoleQuality
from afina.store.paths import write_whole
from afina.texts import language, t
from afina.web.plots import OWN, QUIET, plain, plain_axes, svg

MEASURES = ("role_score", "yaml_valid", "schema_valid", "completeness", "ba_requirements_metric", "tokens_per_sec")
MONTH = ("month", "runs", "rated", "good ones", "stars", "score")
"""Columns; a measure that no model has is none."""


def write_role_page(quality: RoleQuality, out: Path) -> None:
    """Write the page in the language of this process."""
    environment = Environment(loader=PackageLoader("afina.web", "."), autoescape=True, undefined=StrictUndefined)
    environment.globals.update(t=t, language=language())
    measures = [name for name in MEASURES if any(name in one.free for one in quality.reached)]
    write_whole(
        out,
        environment.get_template("role.html.jinja").render(
            quality=quality,
            head=("model", "verdict", *measures),
            rows=[reached_cells(one, measures) for one in quality.reached],
            month_head=MONTH,
            months=[month_cells(one) for one in quality.months],
            generations=generations_plot(quality.reached),
            stars=stars_plot(quality.months),
        ),
    )


def reached_cells(one: Reached, measures: Sequence[str]) -> list[str]:
    """A line of the generations: free, and bound in brackets."""
    verdict = f"{t(one.outcome)}: {t(one.because)}" if one.outcome else "–"
    return [one.name, verdict, *(both(one, name) for name in measures)]


def both(one: Reached, name: str) -> str:
    """A measure when nothing binds the answer, and when the schema does."""
    free = shown(one.free.get(name))
    return f"{free} ({shown(one.bound[name])})" if name in one.bound else free


def month_cells(one: Month) -> list[str]:
    """A line of the months."""
    return [one.month, str(one.runs), str(one.rated), str(one.good), shown(one.stars), shown(one.score)]


def shown(value: Any) -> str:
    """A number as people read it."""
    return "–" if value is None else f"{value:.3g}"


def generations_plot(reached: Sequence[Reached]) -> str:
    """`role_score` of every model, free and bound."""
    if not reached:
        return ""
    figure, axes = plain_axes(6.4, 0.55 * len(reached) + 0.8)
    for at, one in enumerate(reversed(reached)):
        for shift, colour, values, label in (
            (-0.18, QUIET, one.bound, t("bound by the schema")),
            (0.18, OWN, one.free, t("nothing binds it")),
        ):
            value = values.get("role_score", 0.0)
            axes.barh(at + shift, value, color=colour, height=0.34, label=label if not at else None)
    axes.set_yticks(range(len(reached)), [plain(one.name) for one in reversed(reached)])
    axes.set_xlim(0, 1.05)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    return svg(figure)


def stars_plot(months: Sequence[Month]) -> str:
    """The months' mean ratings, where there are two."""
    rated = [(one.month, one.stars) for one in months if one.stars is not None]
    if len(rated) < 2:
        return ""
    figure, axes = plain_axes(6.4, 2.0)
    axes.plot(range(len(rated)), [stars for _, stars in rated], color=OWN, marker="o", markersize=4)
    axes.set_xticks(range(len(rated)), [month for month, _ in rated])
    axes.set_ylim(0.9, 5.1)
    return svg(figure)
