"""`gc`."""

import shutil

import click

from afina.cli.options import here
from afina.cli.terminal import OUT
from afina.store.backup import owner_dsn
from afina.store.garbage import collect, known_ids
from afina.texts import t
from afina.wiring import open_project


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
