"""Interactions and feedback → `app.interactions`, `app.feedback`."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from afina.capture.corrections import Correction
from afina.errors import InputError
from afina.ids import FeedbackId, InteractionId, new_id
from afina.records import FeedbackKind, Fields, Interaction
from afina.store.access import Connection
from afina.store.named import read_queries

QUERIES = read_queries("afina.capture")


def save_corrections(session: Connection, corrections: Sequence[Correction]) -> tuple[int, int]:
    """Add reviewed messages. Returns how many were new, and of how many known ones the decision was; importing a file
    twice adds nothing.

    Raises:
        InputError: an id of this file is taken by another message.
    """
    session.execute(QUERIES["stage"])
    with session.cursor() as cursor, cursor.copy(QUERIES["copy_staged"]) as copy:
        for entry in corrections:
            i, f = entry.interaction, entry.feedback
            copy.write_row((
                i.id, i.external_id, i.user, i.conversation, i.task, i.source, i.text, i.answer, i.confidence,
                i.created_at, f.id, f.kind.value, Jsonb(f.value), f.reviewer, f.review_seconds,
            ))  # fmt: skip
    conflict = session.execute(QUERIES["conflicts"]).fetchone()
    if conflict is not None:
        raise InputError(
            f"the id {conflict['external_id']!r} was imported before from a file of this name, with another text",
            remedy="rename the file, or give its rows ids of their own",
        )
    session.execute(QUERIES["merge_users"])
    added = session.execute(QUERIES["merge_interactions"]).rowcount
    decided = session.execute(QUERIES["merge_feedback"]).rowcount
    return added, decided - added


def record_interactions(session: Connection, interactions: Sequence[Interaction]) -> None:
    """Add answered messages of live traffic; what was recorded before stays as it is."""
    rows = [
        {
            "id": i.id, "external_id": i.external_id, "user": i.user, "conversation": i.conversation, "task": i.task,
            "source": i.source, "text": i.text, "answer": i.answer, "confidence": i.confidence,
            "model_version": i.model_version, "latency_ms": i.latency_ms, "tokens_in": i.tokens_in,
            "tokens_out": i.tokens_out, "ok": i.ok, "error": i.error, "fault": i.fault.value,
        }
        for i in interactions
    ]  # fmt: skip
    with session.cursor() as cursor:
        cursor.executemany(QUERIES["add_interaction"], rows)


def add_feedback(
    session: Connection,
    interaction: InteractionId,
    *,
    kind: FeedbackKind,
    value: Fields,
    reviewer: str,
    review_seconds: float | None = None,
) -> FeedbackId:
    """Record a reviewer's acceptance or correction."""
    feedback = FeedbackId(new_id("fbk"))
    session.execute(
        QUERIES["add_feedback"],
        {
            "id": feedback, "interaction": interaction, "kind": kind.value, "value": Jsonb(value),
            "reviewer": reviewer, "review_seconds": review_seconds,
        },
    )  # fmt: skip
    return feedback


def unreviewed(session: Connection, *, task: str, limit: int) -> list[dict[str, Any]]:
    """Messages nobody has looked at, least confident first."""
    return session.execute(QUERIES["unreviewed"], {"task": task, "limit": limit}).fetchall()


def count_interactions(session: Connection, *, task: str) -> dict[str, Any]:
    """Messages, unique messages, reviewed, corrections, mean review seconds."""
    row = session.execute(QUERIES["count_interactions"], {"task": task}).fetchone()
    empty = {"messages": 0, "unique_messages": 0, "reviewed": 0, "corrections": 0, "mean_review_seconds": None}
    return row or empty
