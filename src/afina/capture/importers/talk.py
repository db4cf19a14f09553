"""One answer of somebody else's export, and what exports have in common: branches, adjacent messages, times, thumbs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from afina.records import Turn

UP, DOWN = 5, 1
THUMBS = {
    **dict.fromkeys(
        ("up", "good", "bueno", "buena", "thumbsup", "thumbs_up", "👍", "true", "like", "liked", "positive", "positivo", "si", "sí", "yes"), UP
    ),
    **dict.fromkeys(("down", "bad", "malo", "mala", "thumbsdown", "thumbs_down", "👎", "false", "dislike", "negative", "negativo", "no"), DOWN),
}  # fmt: skip
DETAILS = re.compile(
    r"<details\b[^>]{0,400}\btype=\"(?:reasoning|tool_calls|code_interpreter)\"[^>]{0,2000}>.*?</details>", re.DOTALL
)
THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
MOST_DEPTH = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """One message, its answer, and what was said of it. `id` is the export's own, the same whenever it is exported again; "" = it has none."""

    conversation: str
    id: str
    turns: tuple[Turn, ...]
    """What was said up to and with the message."""
    answer: str
    user: str = ""
    rating: int | None = None
    """1 to 5; of thumbs 5 and 1."""
    comment: str = ""
    preferred: str = ""
    """The answer that a person said is right, where they said one."""
    at: datetime | None = None
    model: str = ""
    line: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation, as far as answers need it."""

    role: str
    text: str
    id: str = ""
    rating: int | None = None
    comment: str = ""
    at: datetime | None = None
    model: str = ""
    user: str = ""
    failed: bool = False
    """An answer that failed: its question is dropped with it."""
    hidden: bool = False
    """Learnt from by nobody: it stays in the context and is no answer."""
    facts: Mapping[str, Any] = field(default_factory=dict)


def answered(messages: Iterable[Message], *, conversation: str, user: str = "", line: int = 0) -> Iterator[Talk]:
    """Every answer with what was said before it. Questions in a row are one, and a question that nobody answered is dropped."""
    before: list[Turn] = []
    waiting: list[str] = []
    for message in messages:
        text = message.text.strip()
        if message.failed:
            waiting = []
        if not text or message.failed:
            continue
        if message.role in {"system", "developer"}:
            before.append(Turn("system", text))
        elif message.role == "user":
            waiting.append(text)
        elif message.role == "assistant":
            if waiting:
                before.append(Turn("user", "\n\n".join(waiting)))
                waiting = []
            if not message.hidden and before and before[-1].role == "user":
                yield Talk(
                    conversation=conversation,
                    id=message.id,
                    turns=tuple(before),
                    answer=text,
                    user=message.user or user,
                    line=line,
                    rating=message.rating,
                    comment=message.comment,
                    at=message.at,
                    model=message.model,
                    facts=message.facts,
                )
            if before:
                before.append(Turn("assistant", text))


def branch(parents: Mapping[str, str], current: str) -> list[str]:
    """Names from the root to `current`, by each one's parent. A circle ends where it closes."""
    found: list[str] = []
    seen: set[str] = set()
    while current and current in parents and current not in seen and len(found) < MOST_DEPTH:
        seen.add(current)
        found.append(current)
        current = parents[current]
    return found[::-1]


def last_leaf(children: Mapping[str, Sequence[str]], root: str) -> str:
    """The end of the branch that always takes the last child."""
    seen = {root}
    while children.get(root) and children[root][-1] not in seen:
        root = children[root][-1]
        seen.add(root)
    return root


def shown(text: str) -> str:
    """An answer without its reasoning and calls of tools, which are no words to the person."""
    return THINKING.sub("", DETAILS.sub("", text)).strip()


def parts_text(content: Any, joint: str = "\n\n") -> str:
    """The text of a content that may be in parts."""
    if isinstance(content, str):
        return content
    found = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, dict) and part.get("type", "text") in {"text", "input_text", "output_text"}:
            text = part.get("text")
            found.append(str(text.get("value", "")) if isinstance(text, dict) else str(text or ""))
    return joint.join(one for one in found if one.strip())


def thumb(value: Any) -> int | None:
    """A rating however it is written: 1 and -1, thumbs, words; None where it says nothing."""
    if isinstance(value, bool):
        return UP if value else DOWN
    if isinstance(value, int | float):
        return UP if value > 0 else DOWN if value < 0 else None
    text = str(value or "").strip().lower()
    if text in {"1", "1.0", "+1"}:
        return UP
    return DOWN if text in {"-1", "-1.0"} else THUMBS.get(text)


def seconds(value: Any) -> datetime | None:
    """A time in seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    whole = value / 1000 if value > 1e11 else value
    return datetime.fromtimestamp(whole, UTC) if whole < 1e11 else None


def moment(value: Any) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC. None where it is none."""
    if isinstance(value, int | float):
        return seconds(value)
    try:
        found = datetime.fromisoformat(str(value or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
