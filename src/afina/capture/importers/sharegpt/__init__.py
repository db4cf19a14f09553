"""ShareGPT: `conversations` of {from, value}, a list or a line each."""

from collections.abc import Iterable, Iterator
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Message, Talk, answered, shown
from afina.files.loose_json import objects, text_at

NAME = "sharegpt"
ROLES = {
    "human": "user", "user": "user", "system": "system", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant", "bing": "assistant",
    "bard": "assistant", "model": "assistant",
}  # fmt: skip


def fits(first: Any) -> bool:
    """Whether the first entry is one."""
    turns = objects(first.get("conversations")) if isinstance(first, dict) else []
    return bool(turns) and "from" in turns[0] and "value" in turns[0]


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """Every answer of every conversation; the same conversation twice is once."""
    seen: set[tuple[str, str]] = set()
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        name, turns = text_at(row, "id"), objects(row.get("conversations")) or objects(row.get("messages"))
        if (name, str(turns)) in seen:
            continue
        seen.add((name, str(turns)))
        prompt = [Message(role="system", text=text_at(row, "system"))] if text_at(row, "system") else []
        messages = [Message(role=role_of(one), text=said_in(one)) for one in turns]
        chosen = text_at(row, "chosen", "value")
        if chosen:
            messages.append(Message(role="assistant", text=chosen))
        yield from answered([*prompt, *messages], conversation=name, line=item.line)


def role_of(one: dict[str, Any]) -> str:
    """Who speaks; some sets have the words of OpenAI's form in the same file."""
    return ROLES.get((text_at(one, "from") or text_at(one, "role")).lower(), "tool")


def said_in(one: dict[str, Any]) -> str:
    """A turn's words, without the marks that stand for images."""
    text = (text_at(one, "value") or text_at(one, "content")).replace("<image>", "").strip()
    return shown(text) if role_of(one) == "assistant" else text
