"""`suspects`: labels that are probably wrong."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json, stages
from afina.curate import agreement, save_suspects
from afina.errors import SettingsError
from afina.flows.suspects import doubts_in_file, find_doubts
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "suspects",
    help=t(
        "Labels that are probably wrong, by confident learning from probabilities of a classifier that did not see the row. They stand first in `afina review` until somebody decides again. Also how far reviewers agree. With --input a file, without a project: every row with its line, the most doubtful first."
    ),
)
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help=t("how many are shown"))
@click.option(
    "--input", "data", type=click.Path(path_type=Path), help=t("a .csv, .tsv or .jsonl file instead of the project")
)
@click.option("--text", default="text", show_default=True, help=t("of a file: column with the message"))
@click.option("--label", default="label", show_default=True, help=t("of a file: column with the label"))
@json_option
def suspects_command(data: Path | None, top: int, text: str, label: str, as_json: bool) -> None:
    """Find."""
    if data is not None:
        rows = [
            {"line": line, "given": one.given, "suggested": one.suggested, "margin": one.margin, "suspect": one.doubted}
            for line, one in doubts_in_file(data, stages(as_json), text=text, label=label)
        ]
        show(rows, {}, top=top, as_json=as_json)
        return
    project = open_project(here())
    if project.task.kind.prose or not project.task.kind.needs_feedback:
        raise SettingsError(
            f"answers of the kind {project.task.kind.name} are no labels", remedy="suspects are found among classes"
        )
    doubts = find_doubts(project, stages(as_json))
    with project.session() as session:
        save_suspects(session, [(one.example.source, one.field, one.suspect) for one in doubts], task=project.task.name)
        agreed = agreement(session, task=project.task.name)
    rows = [
        {
            "id": one.example.source,
            "field": one.field,
            "message": one.example.message,
            "given": one.suspect.given,
            "suggested": one.suspect.suggested,
            "margin": one.suspect.margin,
        }
        for one in doubts
    ]
    show(rows, agreed, top=top, as_json=as_json)


def show(rows: list[dict[str, Any]], agreed: dict[str, Any], *, top: int, as_json: bool) -> None:
    """Print them."""
    if as_json:
        print_json({"suspects": rows, "agreement": agreed})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    names = [name for name in (rows[0] if rows else {}) if name != "id"]
    for name in names:
        table.add_column(t(name))
    for row in rows[:top]:
        table.add_row(*(f"{row[name]:.2f}" if name == "margin" else str(row[name])[:80] for name in names))
    OUT.print(table)
    if agreed.get("messages"):
        OUT.print(
            t(
                f"{agreed['messages']} messages were decided by two people: they agree on {agreed['agreement']:.0%}, kappa {agreed['kappa']:.2f}"
            ),
            soft_wrap=True,
        )
