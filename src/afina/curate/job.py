"""Judgements in and out of the database."""

from dataclasses import asdict

from psycopg.types.json import Jsonb

from afina.ids import ExampleId
from afina.records import Curated, Example, Turn
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.curate")


def save_curated(session: Connection, curated: Curated, *, task: str) -> None:
    """Store what curation kept and rejected, in place of its last judgement of the task."""
    judged = [(example, "") for example in curated.examples]
    judged += [(rejection.example, rejection.reason) for rejection in curated.rejections]
    session.execute(QUERIES["clear"], {"task": task})
    rows = [
        {
            "id": example.id,
            "source": example.source,
            "task": task,
            "turns": Jsonb([asdict(t) for t in example.turns]),
            "answer": example.answer,
            "group": example.group,
            "stratum": example.stratum,
            "facts": Jsonb(example.facts),
            "kept": not reason,
            "reason": reason,
            "position": position,
        }
        for position, (example, reason) in enumerate(judged)
    ]
    with session.cursor() as cursor:
        cursor.executemany(QUERIES["add_example"], rows)


def kept_examples(session: Connection, *, task: str) -> list[Example]:
    """What curation kept, in its order."""
    return [
        Example(
            id=ExampleId(row["id"]),
            turns=tuple(Turn(**turn) for turn in row["turns"]),
            answer=row["answer"],
            group=row["group_key"],
            stratum=row["stratum"],
            source=row["interaction_id"],
            facts=row["facts"],
        )
        for row in session.execute(QUERIES["kept"], {"task": task}).fetchall()
    ]
