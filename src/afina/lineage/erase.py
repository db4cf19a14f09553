"""A person out of the tables: what there is of them, and the one transaction that takes it away."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.types.json import Json, Jsonb

from afina.ids import new_id
from afina.lineage.marks import Marks
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.lineage", "erase.sql")
ERASED = "[erased]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A dataset with rows of a person. `learnt`: rows outside the test part."""

    id: str
    task: str
    rows: int
    learnt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A version that was trained on such a dataset."""

    id: str
    name: str
    task: str
    status: str
    dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the tables hold of a person."""

    interactions: int
    feedback: int
    judgements: int
    users: int
    keys: int
    waiting: int
    """Messages of anybody that a channel took in and nobody answered yet; they are sealed."""
    datasets: tuple[Touched, ...]
    versions: tuple[Learnt, ...]

    @property
    def nothing(self) -> bool:
        """Whether the tables know nobody of this name."""
        return not (self.interactions or self.feedback or self.users or self.keys)


def held_of(session: Connection, user: str) -> Held:
    """What the tables hold of a person."""
    counts = session.execute(QUERIES["counts"], {"user": user}).fetchone() or {}
    datasets = tuple(Touched(**row) for row in session.execute(QUERIES["datasets"], {"user": user}).fetchall())
    learnt = [one.id for one in datasets if one.learnt]
    versions = session.execute(QUERIES["versions"], {"datasets": learnt}).fetchall()
    return Held(
        **counts,
        datasets=datasets,
        versions=tuple(Learnt(dataset=row.pop("dataset_id"), **row) for row in versions),
    )


def marks_of(session: Connection, user: str) -> tuple[Marks, list[str]]:
    """By what a person's words would be known again, and their words; of both only this process knows."""
    texts = [text for text in streamed(session, "texts", user) if text]
    marks = Marks.made(texts)
    return (marks.without(streamed(session, "others", user)) if len(marks) else marks), texts


def streamed(session: Connection, query: str, user: str) -> Iterator[str]:
    """Texts, a few at a time."""
    with session.cursor(name=query) as cursor:
        cursor.execute(QUERIES[query], {"user": user})
        for row in cursor:
            yield row["text"] or ""


def erase(session: Connection, user: str, held: Held, marks: Marks) -> None:
    """Rows go, datasets become tombstones, versions must be rebuilt: all of it, or nothing."""
    session.execute(QUERIES["delete_dataset_examples"], {"user": user})
    for one in held.datasets:
        session.execute(QUERIES["bury"], {"id": one.id, "rows": one.rows})
    reason = "learnt from rows that were erased since"
    session.execute(QUERIES["must_rebuild"], {"versions": [one.id for one in held.versions], "reason": reason})
    for query in ("delete_talk_feedback", "delete_interactions", "delete_events", "delete_user"):
        session.execute(QUERIES[query], {"user": user})
    for row in session.execute(QUERIES["verdicts"]).fetchall():
        told = without(row["verdict"], marks)
        if told != row["verdict"]:
            session.execute(QUERIES["change_verdict"], {"id": row["id"], "verdict": Jsonb(told)})
    session.execute(QUERIES["add_erasure"], {"id": new_id("era"), "found": Json(asdict(held))})


def erase_as_owner(owner: Connection, user: str) -> None:
    """Keys of a person go; the audit log keeps what was done, not for whom. The application may do neither."""
    owner.execute(QUERIES["delete_keys"], {"user": user})
    for row in owner.execute(QUERIES["audit_of"], {"user": user}).fetchall():
        detail = json.loads(json.dumps(row["detail"]).replace(json.dumps(user), json.dumps(ERASED)))
        owner.execute(QUERIES["forget_in_audit"], {"id": row["id"], "detail": Jsonb(detail)})


def without(value: Any, marks: Marks) -> Any:
    """Plain data whose texts do not hold a person's words."""
    if isinstance(value, str):
        return ERASED if marks.in_text(value) else value
    if isinstance(value, dict):
        return {name: without(one, marks) for name, one in value.items()}
    if isinstance(value, list):
        return [without(one, marks) for one in value]
    return value
