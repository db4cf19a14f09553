"""A file through the steps of curation: what is kept into one file, what is rejected into another, each line with its reason."""

import itertools
import json
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from afina.capture.entries import Named, number, optional
from afina.errors import InputError
from afina.files.parquet import read_parquet
from afina.files.rows import SourceRow, stream_rows
from afina.flows.curate import PlanOf, curate_all
from afina.ids import ClientId
from afina.progress import Stages
from afina.records import Curated, Exchange, FeedbackKind, Judged
from afina.settings import Settings
from afina.store.paths import Paths, disk_errors
from afina.tasks import Task, make_task
from afina.tasks.structured import EXPECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJob:
    """What is read and what is written; without an output only the counts are wanted."""

    data: Path
    output: Path | None = None
    rejects: Path | None = None


def curate_file(
    job: FileJob, settings: Settings, stages: Stages, *, executor: Executor | None = None, processes: int = 1
) -> Curated:
    """Every row of the file is in one of the two files when this returns; neither is there before it is whole.

    Raises:
        InputError: the file cannot be read; names the line. CurateError: a step failed on too many rows.
    """
    task = make_task(settings, folder=Path())
    plan = PlanOf(
        settings=settings, paths=Paths(Path()), client=ClientId(settings.project.client), task=task.name, folder=Path()
    )
    with stages.stage("curate") as stage:
        total = lines_of(job.data)
        curated = curate_all(
            exchanges_of(job.data, task),
            plan,
            executor=executor,
            processes=processes,
            tell=lambda done: stage.tell(done, total),
        )
        kept = sum(one.kept for one in curated.judged)
        if not len(curated.judged):
            raise InputError(
                f"{job.data}: no row says what is right", remedy="name the columns: --label, --text, --task"
            )
        stage.note = f"{kept} kept, {len(curated.judged) - kept} rejected"
    if job.output or job.rejects:
        with stages.stage("write"):
            write_both(job, curated, task)
    return curated


def rows_of(path: Path) -> Iterator[SourceRow]:
    """The rows of a table, of JSONL or of Parquet, a few in memory at once."""
    return read_parquet(path) if path.suffix.lower() == ".parquet" else stream_rows(path)


def lines_of(path: Path) -> int:
    """About how many rows a file has; 0 = unknown."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def exchanges_of(path: Path, task: Task) -> Iterator[Exchange]:
    """What the rows say, known by their line."""
    for row in rows_of(path):
        for place, said in enumerate(task.kind.said(task, path, row)):
            yield exchange_of(Named(path=path, row=row, said=said, external=named(path, row.line, place)), task)


def named(path: Path, line: int, place: int) -> str:
    """What an answer of a row is known by."""
    return f"{path.name}:{line}" + (f"#{place}" if place else "")


def exchange_of(found: Named, task: Task) -> Exchange:
    """One answer of a row. Columns `user`, `conversation`, `rating`, `latency_ms`, `error`, `confidence`, `created_at` are heard."""
    path, row, said = found.path, found.row, found.said
    user, talk = optional(row, "user"), optional(row, "conversation") or said.conversation
    rating = number(path, row, "rating", low=1, high=5)
    decided = said.decision is not None
    same = decided and bool(said.answer) and task.kind.predicted(task, said.answer) == said.decision
    return Exchange(
        id=found.external,
        turns=said.turns,
        answer=said.answer,
        kind=(FeedbackKind.ACCEPTED if same else FeedbackKind.CORRECTED) if decided else None,
        value=said.decision or {},
        reaction=said.reaction,
        quality=None if rating is None else round(rating),
        evidence="" if rating is None else "rating",
        group=user or talk,
        facts=said.facts,
        user=user,
        conversation=talk,
        source=optional(row, "source") or path.name,
        confidence=number(path, row, "confidence", low=0, high=1),
        latency_ms=number(path, row, "latency_ms", low=0, high=1e9),
        error=optional(row, "error"),
        at=optional(row, "created_at"),
    )


def write_both(job: FileJob, curated: Curated, task: Task) -> None:
    """What is kept and what is rejected, each row as it came, with its scrubbed texts.

    Raises:
        DiskFullError: the disk is full; neither file is there then.
    """
    places = [path for path in (job.output, job.rejects) if path]
    partial = {path: path.with_name(f".{path.name}.{os.getpid()}.partial") for path in places}
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with disk_errors(places[0]):
            files = {path: one.open("w", encoding="utf-8") for path, one in partial.items()}
            try:
                for line, kept in written_rows(job.data, curated, task):
                    wanted = job.output if kept else job.rejects
                    if wanted:
                        put(files[wanted], line)
            finally:
                for file in files.values():
                    file.close()
        for path, one in partial.items():
            one.replace(path)
    finally:
        for one in partial.values():
            one.unlink(missing_ok=True)


def put(file: IO[str], line: dict[str, Any]) -> None:
    """A line of JSON."""
    file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")


def written_rows(path: Path, curated: Curated, task: Task) -> Iterator[tuple[dict[str, Any], bool]]:
    """The lines to write, and whether each was kept."""
    judged = itertools.groupby(curated.judged, key=line_of)
    rows = rows_of(path)
    for line, made in judged:
        row = next(row for row in rows if row.line == line)
        for one in made:
            values = {**row.values, **content(one, row, task)}
            yield (
                (values, True)
                if one.kept
                else ({**values, "line": line, "step": one.step, "reason": one.reason}, False)
            )


def line_of(judged: Judged) -> int:
    """The line that an example was made of."""
    return int(judged.source.rpartition(":")[2].partition("#")[0])


def content(judged: Judged, row: SourceRow, task: Task) -> dict[str, Any]:
    """An example in the columns that it came from."""
    example = judged.example
    if row.values.get("messages") is not None:
        return {"messages": [{"role": turn.role, "content": turn.content} for turn in example.chat("")]}
    if not example.turns:
        return {task.settings.text: example.answer}
    column = task.settings.text if task.settings.text in row.values else "prompt"
    answer = next((name for name in EXPECTED if row.values.get(name) is not None), None)
    said = {column: example.message}
    return {**said, answer: example.answer} if answer and task.kind.decided(task) == ("answer",) else said
