"""`models`."""

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.export import list_versions
from afina.texts import t
from afina.wiring import open_project


@click.command("models", help=t("Model versions, newest first."))
@json_option
def models_command(as_json: bool) -> None:
    """List."""
    with open_project(here()).session() as session:
        versions = list_versions(session)
    if as_json:
        print_json(versions)
        return
    for v in versions:
        state = f"{v['state']} {v['share']:.0%}" if v["state"] else "–"
        OUT.print(f"{v['name']:<32} {v['quantisation']:<6} {state:<18} {v['gguf']}")
