"""Frozen datasets in and out of the database."""

from psycopg.types.json import Jsonb

from afina.errors import StoreError
from afina.ids import DatasetId, ExampleId
from afina.records import Dataset, Example, Split
from afina.store.access import Connection
from afina.store.named import read_queries

QUERIES = read_queries("afina.freeze")


def save_dataset(session: Connection, dataset: Dataset) -> bool:
    """Store a dataset. False when its content was frozen before."""
    card = {
        **dataset.card,
        "fields": list(dataset.fields),
        "label_names": {k: list(v) for k, v in dataset.labels.items()},
    }
    added = session.execute(
        QUERIES["add_dataset"], {"id": dataset.id, "task": dataset.task, "card": Jsonb(card)}
    ).rowcount
    if not added:
        return False
    with session.cursor() as cursor:
        for split in Split:
            cursor.executemany(
                QUERIES["add_example"],
                [
                    {
                        "dataset": dataset.id, "example": e.id, "split": split.value, "position": at,
                        "text": e.text, "target": Jsonb(e.target), "group": e.group,
                    }
                    for at, e in enumerate(dataset.part(split))
                ],
            )  # fmt: skip
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
    parts: dict[str, list[Example]] = {split.value: [] for split in Split}
    for row in session.execute(QUERIES["get_examples"], {"id": dataset}).fetchall():
        parts[row["split"]].append(
            Example(id=ExampleId(row["example_id"]), text=row["text"], target=row["target"], group=row["group_key"])
        )
    card = head["card"]
    return Dataset(
        id=dataset, task=head["task"], fields=tuple(card["fields"]),
        labels={name: tuple(labels) for name, labels in card["label_names"].items()},
        train=tuple(parts["train"]), validation=tuple(parts["validation"]), test=tuple(parts["test"]), card=card,
    )  # fmt: skip
