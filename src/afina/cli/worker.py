"""`worker`."""

import logging

import click

from afina.cli.options import here
from afina.jobs import run_worker
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "worker", help=t("Run queued jobs, one at a time, until stopped. Jobs of a killed worker are taken up again.")
)
@click.option("--until-empty", is_flag=True, help=t("end when the queue is empty"))
def worker_command(until_empty: bool) -> None:
    """Work."""
    project = open_project(here())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    run_worker(project.dsn, folder=project.paths.project, wait=not until_empty)
