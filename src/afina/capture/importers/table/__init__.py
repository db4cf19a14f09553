"""Any table or JSONL, one answer a row (or one message a row): columns by their usual names, or as a person maps them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Message, Talk, answered, moment, thumb
from afina.files.loose_json import text_at
from afina.records import Turn

NAME = "table"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "message_id", "turn_id"),
    "conversation": ("conversation", "conversation_id", "conversacion", "conversación", "session", "session_id", "chat_id", "thread_id"),
    "user": ("user", "user_id", "cliente", "usuario", "username", "customer"),
    "text": ("text", "question", "prompt", "pregunta", "message", "mensaje", "input", "user_message", "consulta", "content", "contenido"),
    "answer": ("answer", "completion", "respuesta", "response", "output", "bot_response", "reply"),
    "rating": ("rating", "feedback", "valoracion", "valoración", "score", "nota", "calificacion", "calificación"),
    "comment": ("comment", "comentario", "comentarios", "comments"),
    "at": ("created_at", "timestamp", "fecha", "date", "time", "sent_at"),
    "role": ("role", "rol", "sender", "autor", "from"),
    "system": ("system", "system_prompt"),
}  # fmt: skip
ROLES = {
    **dict.fromkeys(("user", "cliente", "human", "customer", "usuario", "persona"), "user"),
    **dict.fromkeys(("assistant", "bot", "agent", "agente", "ai", "asistente", "ejecutivo"), "assistant"),
    "system": "system",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Field → the column that holds it; "" where none does."""

    names: Mapping[str, str]

    def of(self, row: Mapping[str, Any], field: str) -> str:
        """A field of a row as text."""
        name = self.names.get(field, "")
        return text_at(row, name).strip() if name else ""


def columns_of(row: Mapping[str, Any], mapping: Mapping[str, str]) -> Columns:
    """Columns as they are mapped, others by their names."""
    low = {str(name).strip().lower(): str(name) for name in row}
    found = {field: next((low[one] for one in names if one in low), "") for field, names in COLUMNS.items()}
    return Columns({**found, **mapping})


def fits(first: Any) -> bool:
    """Whether the first row has a question and an answer, or a role and a text, by their names."""
    if not isinstance(first, dict):
        return False
    found = columns_of(first, {}).names
    return bool(found["text"] and (found["answer"] or (found["role"] and found["conversation"])))


def read(found: Iterable[Item], mapping: Mapping[str, str] | None = None) -> Iterator[Talk]:
    """Every row with a question and an answer; of one message a row every answer of every conversation. Equal rows are one."""
    rows = [item for item in found if isinstance(item.value, dict)]
    if not rows:
        return
    columns = columns_of(rows[0].value, mapping or {})
    if columns.names["role"] and not columns.names["answer"]:
        yield from by_message(rows, columns)
        return
    scale = any(2 <= number(columns.of(item.value, "rating")) <= 5 for item in rows)
    seen: set[str] = set()
    for item in rows:
        row = item.value
        text, answer = columns.of(row, "text"), columns.of(row, "answer")
        key = repr(sorted((str(name), str(value)) for name, value in row.items()))
        if not text or not answer or key in seen:
            continue
        seen.add(key)
        name, prompt = columns.of(row, "id"), columns.of(row, "system")
        talk = columns.of(row, "conversation")
        yield Talk(
            conversation=talk or name,
            id=f"{talk}#{name}" if talk and name and talk != name else name,
            user=columns.of(row, "user"),
            answer=answer,
            line=item.line,
            turns=(*([Turn("system", prompt)] if prompt else []), Turn("user", text)),
            rating=rating_of(columns.of(row, "rating"), scale=scale),
            comment=columns.of(row, "comment"),
            at=moment(columns.of(row, "at")),
        )


def number(text: str) -> float:
    """A number, or 0."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0


def rating_of(text: str, *, scale: bool) -> int | None:
    """1 to 5 where the column has such values, else a thumb."""
    if scale and (value := number(text)):
        return int(value) if 1 <= value <= 5 and value == int(value) else None
    return thumb(text)


def by_message(rows: list[Item], columns: Columns) -> Iterator[Talk]:
    """Conversations whose messages are rows, mixed or not."""
    talks: dict[str, list[Item]] = {}
    for item in rows:
        talks.setdefault(columns.of(item.value, "conversation"), []).append(item)
    scale = any(2 <= number(columns.of(item.value, "rating")) <= 5 for item in rows)
    for name, some in talks.items():
        messages = [
            Message(
                role=ROLES.get(columns.of(item.value, "role").lower(), "tool"),
                text=columns.of(item.value, "text"),
                id=columns.of(item.value, "id"),
                user=columns.of(item.value, "user"),
                rating=rating_of(columns.of(item.value, "rating"), scale=scale),
                comment=columns.of(item.value, "comment"),
                at=moment(columns.of(item.value, "at")),
            )
            for item in some
        ]
        if all(one.at for one in messages):  # a file may be sorted newest first, or by person
            messages.sort(key=lambda one: one.at.timestamp() if one.at else 0)
        messages = [replace(one, id=f"{name}#{one.id}" if one.id else "") for one in messages]
        user = next((one.user for one in messages if one.user), "")
        yield from answered(messages, conversation=name, user=user, line=some[0].line)
