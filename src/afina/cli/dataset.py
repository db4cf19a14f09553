"""`dataset`: what was frozen."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.errors import StoreError
from afina.files.training_file import Selection
from afina.files.training_forms import FORMS
from afina.flows.datasets import TABLES, check_files, difference, export_dataset, write_training_file
from afina.flows.project import Project
from afina.freeze import list_datasets
from afina.ids import DatasetId
from afina.records import Dataset
from afina.texts import t
from afina.wiring import open_project

FILE = click.Path(path_type=Path)
SHOWN = 20


@click.group("dataset", help=t("Frozen datasets: list them, read a card, compare two, export one, check its files."))
def dataset_command() -> None:
    """The group."""


@dataset_command.command("list", help=t("Datasets of the task, the newest first."))
@json_option
def list_command(as_json: bool) -> None:
    """List."""
    project = open_project(here())
    with project.session() as session:
        rows = list_datasets(session, task=project.task.name)
    if as_json:
        print_json(
            [
                {
                    "id": r["id"],
                    "created_at": r["created_at"].isoformat(),
                    "erased_rows": r["erased_rows"],
                    **r["card"]["rows"],
                }
                for r in rows
            ]
        )
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "frozen", "train", "validation", "test", ""):
        table.add_column(
            t(name) if name else "", justify="right" if name in {"train", "validation", "test"} else "left"
        )
    for row in rows:
        counts = [f"{row['card']['rows'][part]:,}" for part in ("train", "validation", "test")]
        erased = t(f"{row['erased_rows']} rows erased: freeze anew") if row["erased_rows"] else ""
        table.add_row(row["id"], f"{row['created_at']:%Y-%m-%d %H:%M}", *counts, erased)
    OUT.print(table)


@dataset_command.command(
    "show", help=t("The data card: rows, groups, sources, licences, evidence, what was scrubbed, how it was split.")
)
@click.argument("identity", default="")
@json_option
def show_command(identity: str, as_json: bool) -> None:
    """Show."""
    _, dataset = found(identity)
    card = {"id": dataset.id, **dataset.card}
    if as_json:
        print_json(card)
        return
    for name, value in card.items():
        OUT.print(f"{t(name):<16} {shown(value)}", soft_wrap=True, markup=False)


def shown(value: Any) -> str:
    """A value of a card on one line."""
    if isinstance(value, dict):
        return (
            ", ".join(f"{name.replace(chr(31), ' / ')} {shown(one)}" for name, one in list(value.items())[:SHOWN])
            or "–"
        )
    if isinstance(value, list):
        return " ".join(shown(one) for one in value[:SHOWN]) or "–"
    return str(value)


@dataset_command.command(
    "diff",
    help=t(
        "What the second dataset has more, less, in another part, and with another answer. Without a second one: the newest."
    ),
)
@click.argument("old")
@click.argument("new", default="")
@json_option
def diff_command(old: str, new: str, as_json: bool) -> None:
    """Compare."""
    _, before = found(old)
    _, after = found(new)
    value = difference(before, after)
    if as_json:
        print_json(value)
        return
    OUT.print(f"{value['old']} → {value['new']}")
    for name in ("added", "removed", "moved", "answered_otherwise"):
        OUT.print(f"{t(name):<20} {value[name]:,}")
    for name, change in value["classes"].items():
        OUT.print(f"  {name}: {change:+,}", markup=False)
    for row in value["rows"][:SHOWN]:
        OUT.print(f"  {t(row['change'])}: {row['message']} → {row['answer']}", markup=False, soft_wrap=True)


@dataset_command.command(
    "export",
    help=t(
        "What is trained on, for another trainer: chat, openai, alpaca, sharegpt, dpo (correction = chosen, prediction = rejected), kto, parquet, hf (a folder for `datasets.load_dataset`). Without --out: all that is curated today, as training-dataset-<time>.jsonl and training-dataset-latest.jsonl in .afina/exports."
    ),
)
@click.argument("identity", default="")
@click.option(
    "--form", type=click.Choice([*FORMS, *TABLES]), default="chat", show_default=True, help=t("form of the rows")
)
@click.option("--out", type=FILE, help=t("file, or folder for hf"))
@click.option("--intent", "intents", multiple=True, help=t("only of this class or category; again for the next one"))
@click.option("--min-confidence", type=click.FloatRange(0, 1), help=t("only answers the model was at least so sure of"))
@click.option("--since", default="", help=t("only what was said from this day on, e.g. 2026-05-01"))
@click.option("--until", default="", help=t("only what was said until this day"))
@json_option
def export_command(identity: str, form: str, out: Path | None, as_json: bool, **options: Any) -> None:
    """Export."""
    if out is not None:
        _, dataset = found(identity)
        rows = export_dataset(dataset, form, out)
        path = out
    else:
        if identity or form != "chat":
            raise click.UsageError("name the file: --out")
        project = open_project(here())
        selection = Selection(**options)
        examples = [one for one in project.ledger.kept() if selection.holds(one)]
        path = write_training_file(examples, project.task.kind.prompt(project.task), project.paths.exports)
        rows = len(examples)
    if as_json:
        print_json({"path": str(path), "rows": rows})
    else:
        OUT.print(f"{rows:,} → {path}", soft_wrap=True)


@dataset_command.command(
    "check",
    help=t("Is a dataset what it was when it was frozen? Its rows against its id, its files against their hashes."),
)
@click.argument("identity", default="")
def check_command(identity: str) -> None:
    """Check.

    Raises:
        StoreError: a file was changed or is gone.
    """
    project, dataset = found(identity)
    wrong = check_files(project.paths.dataset(dataset.id))
    if wrong:
        raise StoreError("; ".join(wrong), remedy="`afina freeze` writes the files of the newest dataset again")
    OUT.print(f"{dataset.id}  {t('as it was frozen')}")


def found(identity: str) -> tuple[Project, Dataset]:
    """The project and one of its datasets, the newest without an id."""
    project = open_project(here())
    return project, project.ledger.dataset(DatasetId(identity) if identity else None)
