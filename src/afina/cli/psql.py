"""`psql`."""

import os

import click

from afina.cli.options import here
from afina.store.backup import without_password
from afina.store.cluster import packaged_binaries
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "psql",
    context_settings={"ignore_unknown_options": True},
    help=t(
        "psql on the project's database, as the application role and client. Further arguments go to psql, e.g. -c 'SELECT …'."
    ),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql_command(arguments: tuple[str, ...]) -> None:
    """Shell."""
    project = open_project(here())
    program = str(packaged_binaries() / "psql")
    # Row-level security shows nothing without a client: the session starts as this project's.
    options = f"-c app.client={project.client} -c role=afina_app"
    dsn, secret = without_password(project.dsn)
    os.execve(program, ["psql", dsn, *arguments], {**os.environ, **secret, "PGOPTIONS": options})
