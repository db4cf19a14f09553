"""`import`, `review`, `curate`."""

import json
import time
from pathlib import Path
from typing import Any

import click

from afina.capture import add_feedback, unreviewed
from afina.cli.options import file_argument, here, json_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.cli.words import t
from afina.ids import InteractionId
from afina.loop.collect import curate_project, import_file
from afina.loop.project import Project
from afina.records import FeedbackKind
from afina.wiring import open_project


@click.command("import", help=t("Reviewed messages from a .csv, .tsv or .jsonl file: a column `text`, one per field with the right label, optionally `predicted_FIELD`, `confidence`, `user`, `id`, `reviewer`. Importing a file twice adds nothing."))  # fmt: skip
@file_argument
@json_option
def import_command(file: Path, as_json: bool) -> None:
    """Import."""
    added = import_file(open_project(here()), file, stages(as_json))
    if as_json:
        print_json({"added": added})


@click.command(
    "curate", help=t("Apply the quality rules to everything reviewed. Rejections are kept with their reason.")
)
@json_option
def curate_command(as_json: bool) -> None:
    """Curate."""
    counts = curate_project(open_project(here()), stages(as_json))
    if as_json:
        print_json(counts)


@click.command("review", help=t("Go through unreviewed answers, least confident first: Enter accepts, text corrects, s skips, q ends."))  # fmt: skip
@click.option("--limit", default=50, show_default=True, help=t("how many"))
@click.option("--reviewer", default="", help=t("your name, kept with each decision"))
def review_command(limit: int, reviewer: str) -> None:
    """Review."""
    project = open_project(here())
    with project.session() as session:
        waiting = unreviewed(session, task=project.task, limit=limit)
    if not waiting:
        OUT.print(t("nothing to review"))
        return
    done = 0
    for number, row in enumerate(waiting, start=1):
        OUT.print(f"\n[dim]{number}/{len(waiting)}[/]  [bold]{escape(row['text'])}[/]")
        began = time.monotonic()
        decided = ask_fields(row, project.settings.project.fields)
        if decided is None:
            break
        if decided:
            decide(project, row, decided, reviewer=reviewer, seconds=time.monotonic() - began)
            done += 1
    OUT.print(f"{done} {t('reviewed')}")


def predicted(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, str]:
    """The answer's fields as far as it has them."""
    try:
        value = json.loads(row["answer"])
    except json.JSONDecodeError:
        value = {}
    return {name: str(value.get(name, "")) if isinstance(value, dict) else "" for name in fields}


def ask_fields(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, str] | None:
    """What the reviewer decides; {} to skip, None to end."""
    said = predicted(row, fields)
    decided = {}
    for name in fields:
        answer = click.prompt(f"  {name}", default=said[name] or None, show_default=True, type=str).strip()
        if answer == "q":
            return None
        if answer == "s":
            return {}
        decided[name] = answer
    return decided


def decide(project: Project, row: dict[str, Any], decided: dict[str, str], *, reviewer: str, seconds: float) -> None:
    """Store one decision."""
    same = decided == predicted(row, tuple(decided))
    with project.session() as session:
        add_feedback(
            session, InteractionId(row["id"]), kind=FeedbackKind.ACCEPTED if same else FeedbackKind.CORRECTED,
            value=decided, reviewer=reviewer, review_seconds=seconds,
        )  # fmt: skip
