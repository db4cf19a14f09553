"""A person out of everything: looked for, taken away, looked for again; then what had learnt from them is made anew.

Files go first and rows last: killed in between, the same command finds the rest, because the rows still say where it is.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from afina.errors import InputError, StoreError
from afina.evaluate.arms import Asking, gguf_arm
from afina.evaluate.ask import ask_arms
from afina.evaluate.sets import make_set
from afina.flows.curate import curate_project
from afina.flows.evaluate import evaluate_version
from afina.flows.export import export_run
from afina.flows.freeze import freeze_project
from afina.flows.project import Project
from afina.flows.train import plan_training, train_run
from afina.ids import ModelVersionId
from afina.lineage.erase import Held, erase, erase_as_owner, held_of, marks_of
from afina.lineage.files import erase_files, files_of, text_files
from afina.lineage.marks import Marks
from afina.progress import Stages
from afina.records import EvalItem, Turn
from afina.store.backup import owner_dsn
from afina.store.cluster import locate
from afina.store.named import read_queries
from afina.store.paths import read_json

QUERIES = read_queries("afina.flows", "erase.sql")
PROBES = 200
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What there was, what was done, and what is still found."""

    held: Held
    files: tuple[str, ...]
    backups: tuple[str, ...]
    marks: int
    """Runs of 24 bytes that only this person wrote; 0 = nothing by which their words could be told from others'."""
    hosted: tuple[str, ...] = ()
    """Files that were sent to a hosted provider, which alone can delete them."""
    traces: tuple[str, ...] = ()
    """Places where one of them was found afterwards."""
    wal: str = ""
    rebuilt: tuple[str, ...] = ()
    extracted: int = 0
    """Answers of the rebuilt versions to this person's questions that hold one of their runs."""
    seconds: dict[str, float] = field(default_factory=dict)


def look(project: Project, user: str) -> tuple[Erasure, Marks, list[str]]:
    """What there is of a person. Changes nothing.

    Raises:
        InputError: nobody of this name is known.
    """
    if not user:
        raise InputError("--user is empty", remedy="give the user's name as the channel or the file has it")
    with project.session() as session:
        held = held_of(session, user)
        marks, texts = marks_of(session, user)
    if held.nothing:
        raise InputError(
            f"nobody is called {user!r}", remedy="names are those of the channel: `afina reached NAME` finds one"
        )
    archives = (
        sorted(str(path) for path in project.paths.backups.glob("*.tar")) if project.paths.backups.is_dir() else []
    )
    found = Erasure(
        held=held,
        files=tuple(str(path) for path in files_of(project.paths, held, marks)),
        backups=tuple(archives),
        marks=len(marks),
        hosted=tuple(sent_elsewhere(project)),
    )
    return found, marks, texts


def sent_elsewhere(project: Project) -> Iterator[str]:
    """Address and id of every file that was sent to a hosted provider."""
    folder = project.paths.record("finetunes", "x").parent
    for path in sorted(folder.glob(f"{project.client}.*.json")):
        job = read_json(path)
        yield from (f"{job['url']} {name}" for name in job["files"].values())


def erase_user(project: Project, user: str, stages: Stages, *, backups: bool = False, rebuild: bool = False) -> Erasure:
    """Take a person out. `backups`: delete the archives too, which cannot be changed; `rebuild`: train again what learnt from them.

    Raises:
        InputError: nobody of this name is known. StoreError: something waits in the spool.
    """
    require_empty_spool(project.paths.spool)
    with stages.stage("look") as stage:
        found, marks, texts = look(project, user)
        stage.note = (
            f"{found.held.interactions} interactions, {len(found.held.datasets)} datasets, {len(found.files)} files"
        )
    with stages.stage("erase"):
        erase_files(project.paths, found.held, marks)
        for archive in found.backups if backups else ():
            Path(archive).unlink(missing_ok=True)
        with project.session() as session:
            erase(session, user, found.held, marks)
        wal = clean_tables(project, user)
    done = replace(found, wal=wal, backups=() if backups else found.backups)
    if rebuild and found.held.versions:
        done = rebuilt(project, done, texts, marks, stages)
    with stages.stage("search") as stage:
        traces = tuple(traces_of(project, marks))
        stage.note = f"{len(traces)} traces left"
    return replace(done, traces=traces, seconds=dict(stages.seconds))


def require_empty_spool(folder: Path) -> None:
    """What waits for the database is sealed and would come in after the erasure.

    Raises:
        StoreError: something waits.
    """
    waiting = sum(path.stat().st_size for path in folder.rglob("*.spool")) if folder.is_dir() else 0
    if waiting:
        raise StoreError(
            f"{waiting:,} bytes of traffic wait for the database in {folder}",
            remedy="let `afina serve` move them (it does so by itself), then erase",
        )


def clean_tables(project: Project, user: str) -> str:
    """Rewrite the tables, so that their files hold no deleted row, and let go of the write-ahead log. What is said of the log."""
    owner = owner_dsn(project.paths, project.settings.store.url)
    with psycopg.connect(owner, row_factory=dict_row) as connection:
        connection.execute("SELECT set_config('app.client', %s, true)", (project.client,))
        erase_as_owner(connection, user)
    with psycopg.connect(owner, row_factory=dict_row, autocommit=True) as connection:
        for row in connection.execute(QUERIES["tables"]).fetchall():
            connection.execute(b"VACUUM FULL ANALYZE " + str(row["name"]).encode())
        if not project.settings.store.url:
            connection.execute("VACUUM FULL pg_catalog.pg_statistic")
            for _ in range(2):  # the segment that was written last goes with the second one
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
            return "the write-ahead log was let go of"
        told = connection.execute(QUERIES["retention"]).fetchone() or {}
    return (
        f"the server's write-ahead log holds the deleted rows until it is recycled (archive_mode {told['archive_mode']}, "
        f"wal_keep_size {told['wal_keep_size']}, {told['slots']} replication slots): see its own backups and archives"
    )


def traces_of(project: Project, marks: Marks) -> Iterator[str]:
    """Where a person's words are still found: in every row, in files, in the files of the embedded server."""
    if not len(marks):
        return
    owner = owner_dsn(project.paths, project.settings.store.url)
    with psycopg.connect(owner, row_factory=dict_row) as connection:
        connection.execute("SELECT set_config('app.client', %s, true)", (project.client,))
        for table in connection.execute(QUERIES["tables"]).fetchall():
            with connection.cursor(name="rows") as cursor:
                cursor.execute(b"SELECT t::text AS row FROM " + str(table["name"]).encode() + b" t")
                if marks.in_chunks(row["row"].encode("utf-8", "surrogatepass") for row in cursor):
                    yield f"table {table['name']}"
    yield from (str(path) for path in text_files(project.paths) if marks.in_file(path))
    if not project.settings.store.url:
        for path in sorted(locate(project.paths.database).data.rglob("*")):
            if path.is_file() and marks.in_file(path):
                yield str(path)


def rebuilt(project: Project, done: Erasure, texts: list[str], marks: Marks, stages: Stages) -> Erasure:
    """Curate, freeze, train, export and judge again, then ask the new version for a person's words."""
    curate_project(project, stages)
    dataset = freeze_project(project, stages)
    run = plan_training(project, dataset)
    train_run(project, run, stages, resume=False)
    version = export_run(project, stages, run=run)
    evaluate_version(project, version, stages)
    return replace(done, rebuilt=(version.name,), extracted=extracted(project, version.id, texts, marks, stages))


def extracted(project: Project, version: ModelVersionId, texts: list[str], marks: Marks, stages: Stages) -> int:
    """How many answers hold a run of a person's, asked with their messages and with the first half of each."""
    found = project.ledger.version(version)
    asked = [text for text in dict.fromkeys(texts) if len(text) >= 2 * 24][:PROBES]
    begun = [text[: int(len(text) * HALF)] for text in asked]
    items = [
        EvalItem(id=f"{kind}{at}", turns=(Turn("user", text),), expected=text)
        for kind, some in (("whole", asked), ("half", begun))
        for at, text in enumerate(some)
    ]
    if not items:
        return 0
    options = project.settings.evaluate
    how = Asking(max_tokens=options.max_tokens, timeout_s=options.timeout_s, system=str(found.card.get("prompt", "")))
    folder = project.paths.evaluation(f"erasure-{version}")
    with stages.stage("extraction") as stage:
        arm = gguf_arm(
            "rebuilt", project.paths.data / found.gguf, project.settings.runtime, how, log=folder / "rebuilt.log"
        )
        [scored] = ask_arms([arm], make_set("erasure", items), ("chrf",), folder, tell=stage.tell)
        said = sum(marks.in_text(one.text) for one in scored.record.outputs)
        stage.note = f"{said} of {len(items)} answers hold their words"
    shutil.rmtree(folder)  # it holds the person's words
    return said
