"""`curate`."""

from collections import Counter

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import print_json, stages
from afina.flows.collect import curate_project
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "curate", help=t("Apply the quality rules to everything reviewed. Rejections are kept with their reason.")
)
@json_option
def curate_command(as_json: bool) -> None:
    """Curate."""
    curated = curate_project(open_project(here()), stages(as_json))
    if as_json:
        print_json({"kept": len(curated.examples), **Counter(one.reason for one in curated.rejections)})
