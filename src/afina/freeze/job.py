"""Frozen datasets in and out of the database."""

from dataclasses import asdict
from typing import Any

from psycopg.types.json import Json, Jsonb

from afina.errors import StoreError
from afina.freeze.freeze import Earlier
from afina.ids import DatasetId, ExampleId
from afina.records import Dataset, Example, Origin, Split, Turn
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
            "origin": Jsonb(asdict(e.origin)),
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


def earlier_of(session: Connection, *, task: str) -> Earlier:
    """Where users and conversations were when they were frozen last, and every row that was ever held out."""
    parts = session.execute(QUERIES["parts"], {"task": task}).fetchall()
    test = session.execute(QUERIES["earlier_test"], {"task": task}).fetchall()
    return Earlier(
        parts={row["name"]: Split(row["split"]) for row in parts}, test=tuple(to_example(row) for row in test)
    )


def once_trained(session: Connection, *, task: str) -> list[Example]:
    """Every row that was ever trained on, as it was last."""
    return [to_example(row) for row in session.execute(QUERIES["earlier_train"], {"task": task}).fetchall()]


def list_datasets(session: Connection, *, task: str) -> list[dict[str, Any]]:
    """Datasets of a task, the newest first."""
    return session.execute(QUERIES["list_datasets"], {"task": task}).fetchall()


def load_dataset(session: Connection, dataset: DatasetId) -> Dataset:
    """Read a dataset.

    Raises:
        StoreError: there is none with this id.
    """
    head = session.execute(QUERIES["get_dataset"], {"id": dataset}).fetchone()
    if head is None:
        raise StoreError(f"no dataset {dataset}", remedy="`afina dataset list` names them")
    if head["erased_rows"]:
        raise StoreError(
            f"the dataset {dataset} is a tombstone: {head['erased_rows']} rows of it were erased",
            remedy="freeze anew: `afina curate`, then `afina freeze`",
        )
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
        origin=Origin(**row["origin"]),
    )
