"""Langfuse: traces of the page's export (JSON, JSONL, CSV), of the public API, and of one trace's download."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import DOWN, UP, Message, Talk, answered, moment, parts_text, shown, thumb
from afina.files.loose_json import objects, text_at

NAME = "langfuse"
RATINGS = (
    "user-feedback",
    "user_feedback",
    "feedback",
    "thumbs",
    "rating",
    "csat",
    "user-rating",
    "user_rating",
    "satisfaction",
)
"""Names of scores that are people's ratings. Names are free; others are judges' and tests'."""

STEPS = frozenset({"csat", "satisfaction", "rating", "user-rating", "user_rating"})
"""Those of 1 to 5."""


def fits(first: Any) -> bool:
    """Whether the first entry is a trace or a page of them."""
    if not isinstance(first, dict):
        return False
    if isinstance(first.get("data"), list) and isinstance(first.get("meta"), dict):
        return True
    keys = set(first)
    is_trace = {"id", "input", "output"} <= keys and bool(keys & {"sessionId", "session_id", "userId", "user_id"})
    return is_trace or isinstance(first.get("trace"), dict)


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """One answer a trace, in the order of time within a page."""
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        page = objects(row.get("data")) if isinstance(row.get("meta"), dict) else []
        traces = page or ([row["trace"]] if isinstance(row.get("trace"), dict) else [row])
        for trace in sorted(traces, key=lambda one: text_at(one, "timestamp")) if page else traces:
            yield from talk_of(trace, item.line)


def talk_of(trace: dict[str, Any], line: int) -> Iterator[Talk]:
    """The last question of a trace's input, with its output."""
    asked = messages_of(unpacked(trace.get("input")), "user")
    said = messages_of(unpacked(trace.get("output")), "assistant")
    answer = next((one for one in reversed(said) if one.role == "assistant" and one.text.strip()), None)
    if answer is None or not asked or asked[-1].role == "assistant":
        return
    rating, comment = rated(trace)
    name = text_at(trace, "id")
    final = Message(
        role="assistant",
        text=shown(answer.text),
        id=name,
        rating=rating,
        comment=comment,
        at=moment(trace.get("timestamp")),
    )
    talks = answered(
        [*asked, final],
        conversation=text_at(trace, "sessionId") or text_at(trace, "session_id") or name,
        user=text_at(trace, "userId") or text_at(trace, "user_id"),
        line=line,
    )
    yield from list(talks)[-1:]


def unpacked(value: Any) -> Any:
    """A value that may be JSON in a string, even twice."""
    for _ in range(2):
        if not isinstance(value, str) or value.strip()[:1] not in {"{", "[", '"'}:
            break
        try:
            value = json.loads(value)
        except ValueError:
            break
    return value


def messages_of(value: Any, role: str) -> list[Message]:
    """Messages of an input or output, whatever was put in it."""
    if isinstance(value, str):
        return [Message(role=role, text=value)]
    if isinstance(value, dict):
        inner = value.get("messages") or [one.get("message") for one in objects(value.get("choices"))[:1]]
        value = inner or ([value] if "content" in value and "role" in value else named_text(value, role))
    return [Message(role=text_at(one, "role") or role, text=parts_text(one.get("content"))) for one in objects(value)]


QUESTIONS = ("question", "input", "query", "prompt", "text", "message")
ANSWERS = ("answer", "output", "response", "text", "content", "completion", "result")


def named_text(value: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """The text of an object by the name that it usually has, as a message."""
    names = QUESTIONS if role == "user" else ANSWERS
    return next(([{"role": role, "content": text_at(value, name)}] for name in names if text_at(value, name)), [])


def rated(trace: dict[str, Any]) -> tuple[int | None, str]:
    """What a person said of a trace: 1 and 0, -1, a label, or 1 to 5. A column of the page's export holds a list of values."""
    for score in objects(trace.get("scores")):
        if text_at(score, "name").lower() in RATINGS:
            kind = text_at(score, "dataType") or text_at(score, "data_type")
            value = (
                score.get("stringValue") or score.get("string_value") if kind == "CATEGORICAL" else score.get("value")
            )
            return as_rating(value, text_at(score, "name").lower()), text_at(score, "comment")
    for name, value in trace.items():
        if name.lower() in RATINGS:
            column = unpacked(value)
            first = column[0] if isinstance(column, list) and column else column
            if (rating := as_rating(first, name.lower())) is not None:
                return rating, ""
    return None, ""


def ratings(found: Iterable[Item]) -> dict[str, tuple[int | None, str]]:
    """Scores of the API or of the blob export: trace → a person's rating and comment."""
    result: dict[str, tuple[int | None, str]] = {}
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        for score in objects(row.get("data")) or [row]:
            trace = text_at(score, "traceId") or text_at(score, "trace_id")
            rating, comment = rated({"scores": [score]})
            if trace and (rating is not None or comment):
                result[trace] = rating, comment
    return result


def as_rating(value: Any, name: str) -> int | None:
    """1 to 5, or a thumb; of a mean of thumbs (0.5) nothing."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return thumb(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return thumb(value)
    whole = int(value) if value == int(value) else None
    if name in STEPS or value > 1:
        return whole if whole in range(1, 6) else None
    return None if whole is None else {1: UP, 0: DOWN, -1: DOWN}.get(whole)
