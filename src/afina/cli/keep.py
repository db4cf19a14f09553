"""`backup`, `restore`, `gc`, `psql`."""

import os
import shutil
import time
from pathlib import Path

import click

from afina.cli.options import here
from afina.cli.terminal import OUT
from afina.cli.words import t
from afina.settings import SETTINGS_FILE
from afina.store.backup import back_up, owner_dsn, restore, without_password
from afina.store.cluster import packaged_binaries
from afina.store.garbage import collect, known_ids
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


@click.command("gc", help=t("Remove half-written files and folders that no run or version refers to."))
@click.option("--dry-run", is_flag=True, help=t("only say what would go"))
def gc_command(dry_run: bool) -> None:
    """Collect garbage."""
    project = open_project(here())
    url = project.settings.store.url
    known = None if url else known_ids(owner_dsn(project.paths, url))
    found = collect(project.paths, known=known)
    freed = 0
    for path in found:
        size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size
        freed += size
        OUT.print(f"{path}  {size / 1e6:.1f} MB")
        if not dry_run:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    OUT.print(f"{freed / 1e6:.1f} MB")


@click.command("psql", context_settings={"ignore_unknown_options": True}, help=t("psql on the project's database, as the application role and client. Further arguments go to psql, e.g. -c 'SELECT …'."))  # fmt: skip
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql_command(arguments: tuple[str, ...]) -> None:
    """Shell."""
    project = open_project(here())
    program = str(packaged_binaries() / "psql")
    # Row-level security shows nothing without a client: the session starts as this project's.
    options = f"-c app.client={project.client} -c role=afina_app"
    dsn, secret = without_password(project.dsn)
    os.execve(program, ["psql", dsn, *arguments], {**os.environ, **secret, "PGOPTIONS": options})
