"""`freeze`: apart from its neighbours, because it loads scikit-learn."""

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import print_json, stages
from afina.cli.words import t
from afina.loop.freezing import freeze_project
from afina.wiring import open_project


@click.command("freeze", help=t("Split what curation kept into train, validation and test by user, and freeze it."))
@json_option
def freeze_command(as_json: bool) -> None:
    """Freeze."""
    dataset = freeze_project(open_project(here()), stages(as_json))
    if as_json:
        print_json({"dataset": dataset.id, **dataset.card})
