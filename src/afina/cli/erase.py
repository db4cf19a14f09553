"""`erase`: a person out of everything."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json, stages
from afina.flows.erase import Erasure, erase_user, look
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "erase",
    help=t(
        "Take a person out of everything: rows, feedback, judgements, datasets (which become tombstones), evaluations, exports, logs. Versions that learnt from them must be rebuilt and are not released any more; --rebuild trains them again at once. Then their words are looked for in every table, file and, of the embedded server, page and log on the disk. --dry-run says what would go. Exit code 1 if a trace is left."
    ),
)
@click.option("--user", required=True, help=t("the person, by the name that the channel or file gives them"))
@click.option("--dry-run", is_flag=True, help=t("say what there is; change nothing"))
@click.option("--yes", is_flag=True, help=t("do not ask"))
@click.option(
    "--delete-backups", is_flag=True, help=t("delete the archives in .afina/backups too: they cannot be changed")
)
@click.option("--rebuild", is_flag=True, help=t("curate, freeze, train, export and judge again"))
@json_option
def erase_command(user: str, dry_run: bool, yes: bool, delete_backups: bool, rebuild: bool, as_json: bool) -> None:
    """Erase."""
    project = open_project(here())
    if dry_run or not yes:
        found, _, _ = look(project, user)
        show(found, as_json=as_json and dry_run)
        if dry_run:
            return
        click.confirm(t("Take all of it away? This cannot be undone."), abort=True, err=True)
    done = erase_user(project, user, stages(as_json), backups=delete_backups, rebuild=rebuild)
    show(done, as_json=as_json, after=True)
    if done.traces or done.extracted:
        raise click.exceptions.Exit(1)


def elsewhere(found: Erasure) -> Iterator[str]:
    """Where they still are, and what can be done about it."""
    for path in found.backups:
        yield f"{t('backup'):<22} {path}: {t('holds them until it is deleted (--delete-backups)')}"
    for name in found.hosted:
        yield f"{t('sent elsewhere'):<22} {name}: {t('ask the service to delete it')}"


def show(found: Erasure, *, as_json: bool, after: bool = False) -> None:
    """Print it."""
    if as_json:
        print_json(asdict(found))
        return
    held = found.held
    for name in ("interactions", "feedback", "judgements", "keys"):
        OUT.print(f"{t(name):<22} {getattr(held, name):,}")
    for one in held.datasets:
        OUT.print(f"{t('dataset'):<22} {one.id}  {t(f'{one.rows} rows, {one.learnt} of them learnt from')}")
    for version in held.versions:
        OUT.print(f"{t('must be rebuilt'):<22} {version.name} ({t(version.status)})")
    for path in found.files:
        OUT.print(f"{t('file'):<22} {path}", soft_wrap=True, markup=False)
    for line in elsewhere(found):
        OUT.print(line, soft_wrap=True)
    if held.waiting:
        OUT.print(t(f"{held.waiting} sealed messages wait for an answer and cannot be searched"), soft_wrap=True)
    if not after:
        return
    OUT.print(f"{t('write-ahead log'):<22} {t(found.wal)}", soft_wrap=True)
    OUT.print(f"{t('rebuilt'):<22} {', '.join(found.rebuilt) or '–'}")
    if found.rebuilt:
        OUT.print(f"{t('answers with their words'):<22} {found.extracted}")
    for trace in found.traces:
        OUT.print(f"[bold red]{t('trace left')}[/] {trace}", soft_wrap=True)
    if not found.marks:
        OUT.print(
            t("nothing that they wrote is long and rare enough to be searched for: the rows are gone by their keys"),
            soft_wrap=True,
        )
    elif not found.traces:
        OUT.print(t(f"no trace left of {found.marks:,} runs of 24 bytes that only they wrote"), soft_wrap=True)
