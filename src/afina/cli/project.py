"""`init`, `up`, `down`, `status`, `doctor`."""

from typing import Any

import click

from afina.capture import count_interactions
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.cli.words import t
from afina.errors import SettingsError, StoreError
from afina.export import list_versions
from afina.freeze import newest_dataset
from afina.serve import read_live
from afina.settings import SETTINGS_FILE
from afina.store.paths import write_whole
from afina.store.server import read_state, stop_embedded
from afina.wiring import open_project, read_project

TEMPLATE = """\
# Settings of this project. Everything else has a default: docs/reference/settings.md

[project]
client = "default"                            # whose data this is
task = "classify"
fields = ["sentiment", "topic", "intent"]     # what a message is classified by

[base]
model = "semilla"                             # or a folder, or a hub id such as "Qwen/Qwen2.5-0.5B-Instruct"

[store]
url = ""                                      # empty: the embedded PostgreSQL of this project
"""


@click.command("init", help=t("Make this folder a project: writes afina.toml. Data will live in .afina/ beside it."))
def init_command() -> None:
    """Write the settings file."""
    path = here() / SETTINGS_FILE
    if path.exists():
        raise SettingsError(f"{path} is there already", remedy="edit it, or run `afina up`")
    write_whole(path, TEMPLATE)
    OUT.print(f"{path}\n→ afina import FILE.csv")


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


@click.command("status", help=t("Messages, reviews, the newest dataset, versions and what is live."))
@json_option
def status_command(as_json: bool) -> None:
    """Show."""
    project = open_project(here())
    with project.session() as session:
        counts = count_interactions(session, task=project.task)
        live = read_live(session)
        versions = list_versions(session)
        try:
            dataset: str | None = newest_dataset(session, task=project.task)
        except StoreError:
            dataset = None
    value: dict[str, Any] = {
        "project": str(project.paths.project), "client": project.client, "task": project.task, **counts,
        "dataset": dataset, "versions": len(versions),
        "live": [{"name": v.name, "canary": v.canary, "share": v.share} for v in live],
    }  # fmt: skip
    if as_json:
        print_json(value)
        return
    for name, shown in value.items():
        if name != "live":
            OUT.print(f"{t(name):<22} {shown if shown is not None else '–'}")
    for v in live:
        OUT.print(f"{t('canary') if v.canary else t('production'):<22} {v.name}  {v.share:.0%}")
