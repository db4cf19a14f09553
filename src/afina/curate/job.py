"""Judgements in and out of the database: added with their run, never changed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from afina.ids import ExampleId, new_id
from afina.records import Curated, Example, Judged, Origin, Turn
from afina.settings import CurateSettings
from afina.store.named import read_queries
from afina.store.pool import Connection, Row

QUERIES = read_queries("afina.curate")


def save_curated(session: Connection, curated: Curated, *, task: str, settings: CurateSettings) -> str:
    """Add the judgements that differ from the last ones of their examples. Returns the id of the run."""
    curation = new_id("cur")
    session.execute(QUERIES["stage"])
    kept = 0
    with session.cursor() as cursor, cursor.copy(QUERIES["copy_staged"]) as copy:
        for position, judged in enumerate(curated.judged):
            copy.write_row(staged(judged, task, position))
            kept += judged.kept
    session.execute(
        QUERIES["add_curation"],
        {
            "id": curation,
            "task": task,
            "settings": Jsonb(settings.model_dump(mode="json")),
            "steps": Jsonb([asdict(one) for one in curated.steps]),
            "kept": kept,
            "rejected": len(curated.judged) - kept,
            "reused": curated.reused,
        },
    )
    values = {"curation": curation, "task": task}
    withdrawn = session.execute(QUERIES["add_withdrawn"], values).rowcount
    added = session.execute(QUERIES["add_changed"], values).rowcount
    if settings.conflicts == "review":
        session.execute(QUERIES["send_back"])
    session.execute(QUERIES["count_added"], {"curation": curation, "added": added + withdrawn})
    return curation


def staged(judged: Judged, task: str, position: int) -> tuple[Any, ...]:
    """A judgement as a row of the staging table."""
    one = judged.example
    content = (Jsonb([asdict(turn) for turn in one.turns]), one.answer, one.group, one.stratum, Jsonb(one.facts))
    said = (judged.step, judged.reason, judged.fingerprint)
    return (one.id, one.source, task, *content, Jsonb(asdict(one.origin)), *said, position)


def kept_examples(session: Connection, *, task: str) -> list[Example]:
    """What curation kept, in its order."""
    return [to_example(row) for row in session.execute(QUERIES["kept"], {"task": task}).fetchall()]


def judged_of(session: Connection, interactions: Sequence[str], *, task: str) -> dict[str, tuple[Judged, ...]]:
    """Interaction → what the last curation made of it."""
    found: dict[str, tuple[Judged, ...]] = {}
    values = {"task": task, "interactions": list(interactions)}
    for row in session.execute(QUERIES["judged_of"], values).fetchall():
        one = Judged(example=to_example(row), step=row["step"], reason=row["reason"], fingerprint=row["fingerprint"])
        found[row["interaction_id"]] = (*found.get(row["interaction_id"], ()), one)
    return found


def history(session: Connection, identity: str) -> list[dict[str, Any]]:
    """Every judgement of an example, or of the examples of an interaction, the first one first."""
    return session.execute(QUERIES["history"], {"id": identity}).fetchall()


def curations(session: Connection, *, task: str) -> list[dict[str, Any]]:
    """The runs of a task, the newest first."""
    return session.execute(QUERIES["curations"], {"task": task}).fetchall()


def to_example(row: Row) -> Example:
    """A row as a record."""
    return Example(
        id=ExampleId(row["id"]),
        turns=tuple(Turn(**turn) for turn in row["turns"]),
        answer=row["answer"],
        group=row["group_key"],
        stratum=row["stratum"],
        source=row["interaction_id"],
        facts=row["facts"],
        origin=Origin(**row["origin"]),
    )
