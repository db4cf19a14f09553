"""The classification task as a chat: one instruction, one message, one JSON object."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from afina.records import Fields, Turn
from afina.sameness import composed

COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON without optional white space, for llguidance, the grammar engine inside our runtime: left free, a small model may
pad an answer with blanks until its tokens run out."""


def classify_turns(text: str, *, fields: Sequence[str]) -> tuple[Turn, ...]:
    """The prompt. It names the fields only: labels are learnt, and the schema allows no others.

    The message is composed (NFC) here, because tokenizers that do it themselves are not followed by llama.cpp.
    """
    message = composed(text)
    return (Turn("system", f"Clasifica el mensaje. Campos: {', '.join(fields)}."), Turn("user", message))


def render_answer(target: Fields, *, fields: Sequence[str]) -> str:
    """The one canonical form of an answer, which training teaches and the schema enforces."""
    return json.dumps({name: target[name] for name in fields}, ensure_ascii=False)


def answer_schema(labels: Mapping[str, Sequence[str]], *, fields: Sequence[str]) -> dict[str, Any]:
    """JSON schema of the answer."""
    return {
        "type": "object",
        "properties": {name: {"type": "string", "enum": list(labels[name])} for name in fields},
        "required": list(fields),
        "additionalProperties": False,
        "x-guidance": COMPACT,
    }


def parse_answer(answer: str, *, fields: Sequence[str]) -> Fields:
    """The fields of an answer; missing or unreadable ones are empty strings, which match no label."""
    try:
        raw: Any = json.loads(answer)
    except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
        raw = {}
    found = raw if isinstance(raw, dict) else {}
    return {name: str(found.get(name, "")) for name in fields}
