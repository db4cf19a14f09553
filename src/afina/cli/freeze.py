"""`freeze`."""

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import print_json, stages
from afina.flows.freeze import freeze_project
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "freeze",
    help=t(
        "Split what curation kept into train, validation and test by user, and freeze it. Users stay in the part they were in."
    ),
)
@click.option(
    "--new-split",
    is_flag=True,
    help=t("draw the parts anew; versions trained before cannot be compared fairly with later ones"),
)
@json_option
def freeze_command(new_split: bool, as_json: bool) -> None:
    """Freeze."""
    dataset = freeze_project(open_project(here()), stages(as_json), new_split=new_split)
    if as_json:
        print_json({"dataset": dataset.id, **dataset.card})
