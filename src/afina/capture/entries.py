"""A file → interactions with what people decided about them, whatever the kind of task.

The kind reads what was said and decided. Common to all: `id`, `user`, `conversation`, `reviewer`, `confidence`,
`review_seconds`, `created_at` (ISO 8601), each optional.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from afina.errors import InputError
from afina.files import SourceRow, read_source
from afina.ids import ClientId, FeedbackId, InteractionId, new_id
from afina.records import Entry, Feedback, FeedbackKind, Interaction
from afina.tasks import Said, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A row of a file, one thing that it says, and the id that this is known by outside."""

    path: Path
    row: SourceRow
    said: Said
    external: str


def read_entries(path: Path, task: Task, *, client: ClientId) -> list[Entry]:
    """Every row of a file, or of the texts in a folder.

    Raises:
        InputError: names file, line and column.
    """
    return [entry_of(named, task, client=client) for named in named_rows(path, task)]


def named_rows(path: Path, task: Task) -> Iterator[Named]:
    """What every row says. Without an `id` a row is known by a hash of its line and content, so that importing a file twice
    adds nothing.

    Raises:
        InputError: an id is there twice; names both lines.
    """
    seen: dict[str, int] = {}
    for row in read_source(path):
        own = optional(row, "id")
        rows = list(task.kind.said(task, path, row))
        for said in rows:
            text = said.turns[-1].content if said.turns else ""
            base = own or blake2b(f"{row.line}\0{text}".encode(), digest_size=12).hexdigest()
            external = base if len(rows) == 1 else f"{base}#{len(said.turns)}"
            if external in seen:
                raise InputError(f"{path}, line {row.line}: the id {external!r} is already on line {seen[external]}")
            seen[external] = row.line
            yield Named(path=path, row=row, said=said, external=external)


def entry_of(named: Named, task: Task, *, client: ClientId) -> Entry:
    """One answer of a row."""
    path, row, said = named.path, named.row, named.said
    at = moment(path, row)
    message = said.turns[-1].content if said.turns and said.turns[-1].role == "user" else ""
    interaction = Interaction(
        id=InteractionId(new_id("int")),
        client=client,
        user=optional(row, "user"),
        conversation=optional(row, "conversation") or said.conversation,
        text=message,
        context=said.turns[:-1] if message else said.turns,
        answer=said.answer,
        reaction=said.reaction,
        facts=said.facts,
        task=task.name,
        source=path.name,
        external_id=named.external,
        confidence=number(path, row, "confidence", low=0, high=1),
        created_at=at,
    )
    return Entry(interaction=interaction, feedback=feedback_of(path, row, said, interaction, task), line=row.line)


def feedback_of(path: Path, row: SourceRow, said: Said, interaction: Interaction, task: Task) -> Feedback | None:
    """What a person decided about the answer, if anybody did."""
    if said.decision is None:
        return None
    same = bool(said.answer) and task.kind.predicted(task, said.answer) == said.decision
    return Feedback(
        id=FeedbackId(new_id("fbk")),
        client=interaction.client,
        interaction=interaction.id,
        kind=FeedbackKind.ACCEPTED if same else FeedbackKind.CORRECTED,
        value=said.decision,
        reviewer=optional(row, "reviewer"),
        review_seconds=number(path, row, "review_seconds", low=0, high=86400),
        created_at=interaction.created_at,
    )


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
