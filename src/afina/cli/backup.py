"""`backup`, `restore`."""

import time
from pathlib import Path

import click

from afina.cli.options import here
from afina.cli.terminal import OUT
from afina.settings import SETTINGS_FILE
from afina.store.backup import back_up, owner_dsn, restore
from afina.texts import t
from afina.wiring import open_project


@click.command("backup", help=t("One archive of database, models, runs and datasets, with checksums."))
@click.option("--out", type=click.Path(path_type=Path), help=t("file (default: .afina/backups/TIME.tar)"))
def backup_command(out: Path | None) -> None:
    """Back up."""
    project = open_project(here())
    target = out or project.paths.backups / f"{time.strftime('%Y%m%d-%H%M%S')}.tar"
    manifest = back_up(
        project.paths, url=project.settings.store.url, out=target, settings_file=project.paths.project / SETTINGS_FILE
    )
    OUT.print(f"{target}: {len(manifest['files'])} {t('files')}, {target.stat().st_size / 1e6:.1f} MB")


@click.command("restore", help=t("Bring a backup into this (empty) project."))
@click.argument("archive", type=click.Path(path_type=Path))
def restore_command(archive: Path) -> None:
    """Restore."""
    project = open_project(here())
    owner = owner_dsn(project.paths, project.settings.store.url)
    count = restore(project.paths, dsn=project.dsn, owner=owner, archive=archive)
    OUT.print(f"{count} {t('files')}")
