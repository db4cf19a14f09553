"""`up`, `down`."""

import click

from afina.cli.options import here
from afina.cli.terminal import OUT
from afina.store.server import read_state, stop_embedded
from afina.texts import t
from afina.wiring import open_project, read_project


@click.command("up", help=t("Start the embedded PostgreSQL and bring its schema up to date."))
def up_command() -> None:
    """Start."""
    project = open_project(here())
    state = read_state(project.paths.database)
    where = f"127.0.0.1:{state.port}" if state else t("external database")
    OUT.print(f"{t('database')}: {where}, {t('client')} {project.client}")


@click.command("down", help=t("Stop the embedded PostgreSQL. Nothing is lost."))
def down_command() -> None:
    """Stop."""
    paths, _ = read_project(here())
    OUT.print(t("stopped") if stop_embedded(paths.database) else t("was not running"))
