"""Frozen datasets in and out of the database."""

from dataclasses import asdict

from psycopg.types.json import Json, Jsonb

from afina.errors import StoreError
from afina.ids import DatasetId, ExampleId
from afina.records import Dataset, Example, Split, Turn
from afina.store.named import read_queries
from afina.store.pool import Connection, Row

QUERIES = read_queries("afina.freeze")


def save_dataset(session: Connection, dataset: Dataset) -> bool:
    """Store a dataset. False when its content was frozen before."""
    values = {
        "id": dataset.id,
        "task": dataset.task,
        "kind": dataset.kind,
        "prompt": dataset.prompt,
        "schema": None if dataset.answer_schema is None else Json(dataset.answer_schema),
        "card": Jsonb(dataset.card),
    }
    if not session.execute(QUERIES["add_dataset"], values).rowcount:
        return False
    rows = [
        {
            "dataset": dataset.id,
            "example": e.id,
            "split": split.value,
            "position": at,
            "group": e.group,
            "turns": Jsonb([asdict(turn) for turn in e.turns]),
            "answer": e.answer,
            "stratum": e.stratum,
            "source": e.source,
            "facts": Jsonb(e.facts),
        }
        for split in Split
        for at, e in enumerate(dataset.part(split))
    ]
    with session.cursor() as cursor:
        cursor.executemany(QUERIES["add_example"], rows)
    return True


def newest_dataset(session: Connection, *, task: str) -> DatasetId:
    """Id of the task's last frozen dataset.

    Raises:
        StoreError: there is none.
    """
    row = session.execute(QUERIES["newest"], {"task": task}).fetchone()
    if row is None:
        raise StoreError(f"no dataset for the task {task!r}", remedy="run `afina curate`, then `afina freeze`")
    return DatasetId(row["id"])


def kept_parts(session: Connection, *, task: str) -> dict[str, Split]:
    """Group → the part it was in when it was frozen last: a new dataset keeps it there."""
    rows = session.execute(QUERIES["parts"], {"task": task}).fetchall()
    return {row["group_key"]: Split(row["split"]) for row in rows}


def load_dataset(session: Connection, dataset: DatasetId) -> Dataset:
    """Read a dataset.

    Raises:
        StoreError: there is none with this id.
    """
    head = session.execute(QUERIES["get_dataset"], {"id": dataset}).fetchone()
    if head is None:
        raise StoreError(f"no dataset {dataset}", remedy="`afina status` lists the newest one")
    parts: dict[Split, list[Example]] = {split: [] for split in Split}
    for row in session.execute(QUERIES["get_examples"], {"id": dataset}).fetchall():
        parts[Split(row["split"])].append(to_example(row))
    return Dataset(
        id=dataset,
        task=head["task"],
        kind=head["kind"],
        prompt=head["prompt"],
        answer_schema=head["answer_schema"],
        train=tuple(parts[Split.TRAIN]),
        validation=tuple(parts[Split.VALIDATION]),
        test=tuple(parts[Split.TEST]),
        card=head["card"],
    )


def to_example(row: Row) -> Example:
    """A row as a record."""
    return Example(
        id=ExampleId(row["example_id"]),
        turns=tuple(Turn(**turn) for turn in row["turns"]),
        answer=row["answer"],
        group=row["group_key"],
        stratum=row["stratum"],
        source=row["source"],
        facts=row["facts"],
    )
