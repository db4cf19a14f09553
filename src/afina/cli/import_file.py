"""`import`."""

from pathlib import Path

import click

from afina.cli.options import file_argument, here, json_option
from afina.cli.terminal import print_json, stages
from afina.flows.collect import import_file
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "import",
    help=t(
        "Rows of a .csv, .tsv or .jsonl file, as the task's kind reads them. classify: a column `text`, one per field with the right label, optionally `predicted_FIELD`. chat: `messages`. structured: `prompt` or `messages`, and `expected`. documents: .txt, .md or `text`, or a folder of them. For all optionally `id`, `user`, `conversation`, `confidence`, `reviewer`, `created_at`. Importing a file twice adds nothing."
    ),
)
@file_argument
@json_option
def import_command(file: Path, as_json: bool) -> None:
    """Import."""
    added, notices = import_file(open_project(here()), file, stages(as_json))
    if as_json:
        print_json({"added": added, "notices": notices})
