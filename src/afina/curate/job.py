"""Load reviewed messages, apply the rules, record every judgement."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from afina.curate.curate import Candidate, Curated, curate
from afina.ids import ExampleId
from afina.records import Example
from afina.settings import CurateSettings
from afina.store.access import Connection
from afina.store.named import read_queries

QUERIES = read_queries("afina.curate")


def candidates(session: Connection, *, task: str, fields: Sequence[str]) -> list[Candidate]:
    """Reviewed messages, oldest first."""
    rows = session.execute(QUERIES["reviewed"], {"task": task}).fetchall()
    return [
        Candidate(
            id=row["id"],
            text=row["text"],
            target={name: str(row["value"].get(name, "")) for name in fields},
            group=row["user_external_id"] or row["conversation"],
        )
        for row in rows
    ]


def curate_task(session: Connection, *, task: str, fields: Sequence[str], settings: CurateSettings) -> Curated:
    """Judge all reviewed messages of a task anew and store the judgements."""
    found = candidates(session, task=task, fields=fields)
    curated = curate(found, settings)
    by_id = {c.id: c for c in found}
    kept = [(e.id, e.text, e.target, e.group, "") for e in curated.examples]
    rejected = [
        (r.source, r.text, by_id[r.source].target, by_id[r.source].group or r.source, r.reason)
        for r in curated.rejections
    ]
    session.execute(QUERIES["clear"], {"task": task})
    with session.cursor() as cursor:
        cursor.executemany(
            QUERIES["add_example"],
            [
                {
                    "id": f"exa_{source.removeprefix('int_')}", "source": source, "task": task, "text": text,
                    "target": Jsonb(target), "group": group, "kept": not reason, "reason": reason,
                }
                for source, text, target, group, reason in [*kept, *rejected]
            ],
        )  # fmt: skip
    return curated


def kept_examples(session: Connection, *, task: str) -> list[Example]:
    """What curation kept."""
    rows = session.execute(QUERIES["kept"], {"task": task}).fetchall()
    return [
        Example(
            id=ExampleId(r["id"]), text=r["text"], target=r["target"], group=r["group_key"], source=r["interaction_id"]
        )
        for r in rows
    ]
