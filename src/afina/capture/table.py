"""Interactions and feedback → `app.interactions`, `app.feedback`, and back as exchanges."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Any

from psycopg.types.json import Jsonb

from afina.errors import InputError
from afina.records import Entry, Exchange, Feedback, FeedbackKind, Interaction, Turn
from afina.signals import category_of
from afina.store.named import read_queries
from afina.store.pool import Connection, Row

QUERIES = read_queries("afina.capture")
AT_ONCE = 2000


def save_entries(session: Connection, entries: Sequence[Entry]) -> tuple[int, int]:
    """Add a file's rows. Returns how many were new, and of how many known ones the decision was; importing a file twice adds
    nothing.

    Raises:
        InputError: an id of this file is taken by another message.
    """
    session.execute(QUERIES["stage"])
    with session.cursor() as cursor, cursor.copy(QUERIES["copy_staged"]) as copy:
        for entry in entries:
            copy.write_row(staged(entry))
    conflict = session.execute(QUERIES["conflicts"]).fetchone()
    if conflict is not None:
        raise InputError(
            f"the id {conflict['external_id']!r} was imported before from a file of this name, with another text",
            remedy="rename the file, or give its rows ids of their own",
        )
    session.execute(QUERIES["merge_users"])
    added = session.execute(QUERIES["merge_interactions"]).rowcount
    decided = session.execute(QUERIES["merge_feedback"]).rowcount
    new_decisions = added if all(entry.feedback for entry in entries) else 0
    return added, max(0, decided - new_decisions)


def staged(entry: Entry) -> tuple[Any, ...]:
    """An entry as a row of the staging table."""
    i, f = entry.interaction, entry.feedback
    decision = (
        (f.id, f.kind.value, Jsonb(f.value), f.reviewer, f.review_seconds, f.rating, f.comment) if f else (None,) * 7
    )
    said = (
        i.text,
        as_json(i.context),
        i.answer,
        i.reaction,
        Jsonb(i.facts),
        i.confidence,
        i.created_at,
        Jsonb(i.findings),
    )
    return (i.id, i.external_id, i.user, i.conversation, i.task, i.source, *said, *decision)


def as_json(turns: Sequence[Turn]) -> Jsonb:
    """Turns as the database keeps them."""
    return Jsonb([asdict(turn) for turn in turns])


def record_interactions(session: Connection, interactions: Sequence[Interaction]) -> None:
    """Add answered messages of live traffic and the people in it; what was recorded before stays as it is. A message without a category gets one."""
    rows = [
        {
            **{name: getattr(i, name) for name in QUERIED},
            "context": as_json(i.context),
            "facts": Jsonb(i.facts),
            "parameters": Jsonb(i.parameters),
            "findings": Jsonb(i.findings),
            "fault": i.fault.value,
            "category": i.category or category_of(i.text),
        }
        for i in interactions
    ]
    people = sorted({i.user for i in interactions if i.user})
    if people:
        session.execute(QUERIES["add_users"], {"users": people})
    with session.cursor() as cursor:
        cursor.executemany(QUERIES["add_interaction"], rows)


QUERIED = (
    "id", "external_id", "user", "conversation", "task", "source", "text", "answer", "reaction", "confidence",
    "model_version", "latency_ms", "tokens_in", "tokens_out", "ok", "error", "request_id", "served_by", "variant", "rollout", "drawn",
    "canary_share", "channel", "product", "cost",
)  # fmt: skip
"""Fields of an interaction that are columns as they are."""


def add_feedback(session: Connection, feedback: Feedback) -> None:
    """Record what a person said; the same record twice is once."""
    session.execute(
        QUERIES["add_feedback"],
        {
            "id": feedback.id,
            "interaction": feedback.interaction,
            "conversation": feedback.conversation,
            "rating": feedback.rating,
            "comment": feedback.comment,
            "kind": feedback.kind.value,
            "value": Jsonb(feedback.value),
            "reviewer": feedback.reviewer,
            "review_seconds": feedback.review_seconds,
        },
    )


def is_conversation(session: Connection, conversation: str) -> bool:
    """Whether the client has a conversation of this name."""
    row = session.execute(QUERIES["is_conversation"], {"conversation": conversation}).fetchone()
    return bool(row and row["known"])


def is_of_user(session: Connection, feedback: Feedback, user: str) -> bool:
    """Whether what feedback is about was said by this user."""
    values = {"interaction": feedback.interaction, "conversation": feedback.conversation, "user": user}
    row = session.execute(QUERIES["is_of_user"], values).fetchone()
    return bool(row and row["own"])


def unreviewed(session: Connection, *, task: str, limit: int) -> list[dict[str, Any]]:
    """Answers nobody has looked at, least confident first."""
    return session.execute(QUERIES["unreviewed"], {"task": task, "limit": limit}).fetchall()


def count_interactions(session: Connection, *, task: str) -> dict[str, Any]:
    """Messages, unique messages, reviewed, corrections, mean review seconds."""
    row = session.execute(QUERIES["count_interactions"], {"task": task}).fetchone()
    empty = {"messages": 0, "unique_messages": 0, "reviewed": 0, "corrections": 0, "mean_review_seconds": None}
    return row or empty


def load_exchanges(session: Connection, *, task: str, needs_feedback: bool) -> Iterator[Exchange]:
    """What was said and decided, the oldest decision first; some thousands of rows are in memory at once."""
    with session.cursor(name="exchanges") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(QUERIES["exchanges"], {"task": task, "needs_feedback": needs_feedback})
        for row in cursor:
            yield to_exchange(row)


def to_exchange(row: Row) -> Exchange:
    """A row as a record."""
    return Exchange(
        id=row["id"],
        turns=(*(Turn(**turn) for turn in row["context"]), *([Turn("user", row["text"])] if row["text"] else [])),
        answer=row["answer"],
        kind=FeedbackKind(row["kind"]) if row["kind"] else None,
        value=row["value"] or {},
        reaction=row["reaction"],
        quality=row["quality"],
        evidence=(row["rule"] or "") if row["evidence"] == "reaction" else (row["evidence"] or ""),
        group=row["user_external_id"] or row["conversation"],
        facts=row["facts"],
        user=row["user_external_id"],
        conversation=row["conversation"],
        source=row["channel"] or row["source"],
        confidence=row["confidence"],
        latency_ms=row["latency_ms"],
        error=row["error"],
        findings=row["findings"],
        at=row["created_at"].astimezone(UTC).isoformat(),
    )
