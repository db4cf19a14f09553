"""AnythingLLM: workspace chats as CSV or JSON (one row an answer), and its Alpaca form. Its JSONL is the form for fine-tuning: see `openai`."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Talk, moment, shown, thumb
from afina.files.loose_json import text_at
from afina.records import Turn

NAME = "anythingllm"
NOBODY = frozenset({"API", "unknown user"})
JAVASCRIPT = "%a %b %d %Y %H:%M:%S GMT%z"


def fits(first: Any) -> bool:
    """Whether the first row has its columns."""
    keys = set(first) if isinstance(first, dict) else set()
    return {"prompt", "sent_at"} <= keys or {"instruction", "input", "output"} <= keys


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """Every row that has both a question and an answer."""
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        is_alpaca = "instruction" in row
        asked = text_at(row, "input" if is_alpaca else "prompt").strip()
        answer = shown(text_at(row, "output" if is_alpaca else "response"))
        if not asked and is_alpaca:
            asked = text_at(row, "instruction").strip()
        if not asked or not answer:
            continue
        prompt = text_at(row, "instruction").strip() if is_alpaca and text_at(row, "input").strip() else ""
        name, user = text_at(row, "id"), text_at(row, "username")
        yield Talk(
            conversation=name,
            id=name,
            answer=answer,
            line=item.line,
            rating=thumb(row.get("rating")),
            at=sent(row.get("sent_at")),
            turns=(*([Turn("system", prompt)] if prompt else []), Turn("user", asked)),
            user="" if user in NOBODY else user,
        )


def sent(value: Any) -> datetime | None:
    """ISO 8601 in JSON; in CSV what JavaScript prints."""
    found = moment(value)
    if found is not None:
        return found
    try:
        return datetime.strptime(str(value).partition(" (")[0], JAVASCRIPT).astimezone(UTC)
    except ValueError:
        return None
