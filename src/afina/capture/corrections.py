"""A file of reviewed messages → Interaction + Feedback.

A column `text`, one column per label field with what the reviewer decided, and, if the model's own answer is known,
`predicted_FIELD` columns and `confidence`. Optional: `id`, `user`, `conversation`, `reviewer`, `review_seconds`,
`created_at` (ISO 8601).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from afina.errors import InputError
from afina.files import SourceRow, cell_text, read_rows, require_columns
from afina.ids import ClientId, FeedbackId, InteractionId, new_id
from afina.records import Feedback, FeedbackKind, Fields, Interaction
from afina.sameness import label


@dataclass(frozen=True, slots=True)
class Correction:
    """A reviewed message."""

    interaction: Interaction
    feedback: Feedback
    line: int
    """Of the file."""


def optional(row: SourceRow, column: str) -> str:
    """A cell that may be absent or empty."""
    value = row.values.get(column)
    return "" if value is None else str(value).strip()


def number(path: Path, row: SourceRow, column: str, *, low: float, high: float) -> float | None:
    """An optional number within bounds.

    Raises:
        InputError: not a number, or out of bounds.
    """
    raw = optional(row, column)
    if not raw:
        return None
    try:
        value = float(raw)
    except ValueError as exc:
        raise InputError(f"{path}, line {row.line}: column {column!r} is {raw!r}, expected a number") from exc
    if not low <= value <= high:
        raise InputError(f"{path}, line {row.line}: column {column!r} is {value:g}, expected {low:g} to {high:g}")
    return value


def moment(path: Path, row: SourceRow) -> datetime | None:
    """The optional time of the review.

    Raises:
        InputError: not ISO 8601.
    """
    raw = optional(row, "created_at")
    try:
        return datetime.fromisoformat(raw) if raw else None
    except ValueError as exc:
        raise InputError(f"{path}, line {row.line}: created_at is {raw!r}, expected ISO 8601") from exc


def external_ids(path: Path, rows: Sequence[SourceRow], *, text_column: str) -> list[str]:
    """The rows' own ids; without a column `id`, a hash of the text and its place, so that importing twice adds nothing.

    Raises:
        InputError: an id is there twice; names both lines.
    """
    seen: dict[str, int] = {}
    found = []
    for row in rows:
        own = optional(row, "id")
        text = cell_text(path, row, text_column)
        external = own or blake2b(f"{row.line}\0{text}".encode(), digest_size=12).hexdigest()
        if external in seen:
            raise InputError(f"{path}, line {row.line}: the id {external!r} is already on line {seen[external]}")
        seen[external] = row.line
        found.append(external)
    return found


def read_corrections(
    path: Path, *, client: ClientId, task: str, fields: Sequence[str], text_column: str = "text"
) -> list[Correction]:
    """Read a file of reviewed messages.

    Raises:
        InputError: names file, line and column.
    """
    rows = read_rows(path)
    require_columns(path, rows, [text_column, *fields])
    externals = external_ids(path, rows, text_column=text_column)
    return [
        correction(path, row, client=client, task=task, fields=fields, text_column=text_column, external=external)
        for row, external in zip(rows, externals, strict=True)
    ]


def correction(
    path: Path, row: SourceRow, *, client: ClientId, task: str, fields: Sequence[str], text_column: str, external: str
) -> Correction:
    """One row."""
    decided: Fields = {name: label(cell_text(path, row, name)) for name in fields}
    predicted = {name: label(optional(row, f"predicted_{name}")) for name in fields}
    answered = any(predicted.values())
    at = moment(path, row)
    interaction = Interaction(
        id=InteractionId(new_id("int")),
        client=client,
        user=optional(row, "user"),
        conversation=optional(row, "conversation"),
        text=cell_text(path, row, text_column),
        answer=json.dumps(predicted, ensure_ascii=False) if answered else "",
        task=task,
        source=path.name,
        external_id=external,
        confidence=number(path, row, "confidence", low=0, high=1),
        created_at=at,
    )
    feedback = Feedback(
        id=FeedbackId(new_id("fbk")),
        client=client,
        interaction=interaction.id,
        kind=FeedbackKind.ACCEPTED if answered and predicted == decided else FeedbackKind.CORRECTED,
        value=decided,
        reviewer=optional(row, "reviewer"),
        review_seconds=number(path, row, "review_seconds", low=0, high=86400),
        created_at=at,
    )
    return Correction(interaction, feedback, row.line)
