"""Options that several commands share."""

from pathlib import Path

import click

from afina.cli.words import t

json_option = click.option("--json", "as_json", is_flag=True, help=t("print JSON"))
resume_option = click.option("--resume", is_flag=True, help=t("go on with the interrupted run"))
file_argument = click.argument("file", type=click.Path(path_type=Path))


def here() -> Path:
    """The folder the command was called in."""
    return Path.cwd()
