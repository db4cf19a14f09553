"""`recipes`."""

import click

from afina.cli.options import json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.settings import packaged
from afina.texts import t


@click.command(
    "recipes",
    help=t(
        "The recipes that come with the program: what each learns. `afina init --recipe NAME` starts a project with one."
    ),
)
@json_option
def recipes_command(as_json: bool) -> None:
    """List."""
    found = packaged()
    if as_json:
        print_json([{"name": one.name, "about": one.about, **one.sections} for one in found])
        return
    for one in found:
        OUT.print(f"[bold]{one.name:<14}[/] {escape(t(one.about))}", soft_wrap=True)
