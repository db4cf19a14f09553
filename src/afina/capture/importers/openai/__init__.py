"""OpenAI's forms: ChatGPT's data export, its feedback, JSONL for fine-tuning, logged requests with their responses."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Message, Talk, answered, branch, last_leaf, parts_text, seconds, shown, thumb
from afina.files.loose_json import objects, text_at

NAME = "openai"
SHOWN_TYPES = frozenset({"text", "multimodal_text"})


def fits(first: Any) -> bool:
    """Whether the first entry is of one of the forms."""
    if not isinstance(first, dict):
        return False
    return any(
        needed <= set(first)
        for needed in ({"mapping"}, {"messages"}, {"input", "preferred_output"}, {"request", "response"})
    )


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """Answers, by the form of each entry."""
    seen: set[str] = set()
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        if isinstance(row.get("mapping"), dict):
            yield from exported(row, item.line)
        elif "preferred_output" in row:
            yield from preferred(row, item.line)
        elif "request" in row:
            for talk in logged(row, item.line):
                if not talk.id or talk.id not in seen:
                    yield talk
                seen.add(talk.id)
        elif isinstance(row.get("messages"), list):
            user = text_at(row, "user") or text_at(row, "user_id")
            messages = [message_of(one) for one in objects(row["messages"])]
            yield from answered(messages, conversation=text_at(row, "id"), user=user, line=item.line)


def exported(row: dict[str, Any], line: int) -> Iterator[Talk]:
    """A conversation of ChatGPT: from its current end back to its beginning."""
    nodes = {str(name): one for name, one in row["mapping"].items() if isinstance(one, dict)}
    current = text_at(row, "current_node")
    if current not in nodes:
        roots = [name for name, one in nodes.items() if not one.get("parent")]
        children = {name: [str(c) for c in one.get("children") or []] for name, one in nodes.items()}
        current = last_leaf(children, roots[-1]) if roots else ""
    path = branch({name: text_at(one, "parent") for name, one in nodes.items()}, current)
    messages = [chatgpt_message(nodes[name].get("message")) for name in path]
    yield from answered(
        [one for one in messages if one is not None],
        conversation=text_at(row, "conversation_id") or text_at(row, "id"),
        line=line,
    )


def chatgpt_message(message: Any) -> Message | None:
    """A message that a person saw; None for hidden ones and those to and from tools."""
    if not isinstance(message, dict):
        return None
    role, content = text_at(message, "author", "role"), message.get("content")
    hidden = isinstance(message.get("metadata"), dict) and message["metadata"].get(
        "is_visually_hidden_from_conversation"
    )
    kind = text_at(content, "content_type")
    to_all = text_at(message, "recipient") in {"", "all"}
    if hidden or not to_all or kind not in SHOWN_TYPES or role not in {"user", "assistant", "system"}:
        return None
    parts = content.get("parts") if isinstance(content, dict) else None
    text = "\n".join(one for one in parts if isinstance(one, str)) if isinstance(parts, list) else ""
    return Message(
        role=role,
        text=shown(text) if role == "assistant" else text,
        id=text_at(message, "id"),
        at=seconds(message.get("create_time")),
        model=text_at(message, "metadata", "model_slug"),
    )


def message_of(one: dict[str, Any]) -> Message:
    """A message of a chat completion; `weight: 0` means that it is not to be learnt."""
    role, text = text_at(one, "role"), parts_text(one.get("content"))
    is_answer = role == "assistant"
    return Message(role=role, text=shown(text) if is_answer else text, hidden=is_answer and one.get("weight") == 0)


def preferred(row: dict[str, Any], line: int) -> Iterator[Talk]:
    """A pair of answers of which one was preferred: that one is right."""
    messages = [message_of(one) for one in objects((row.get("input") or {}).get("messages"))]
    good = [message_of(one) for one in objects(row.get("preferred_output"))]
    bad = [message_of(one).text for one in objects(row.get("non_preferred_output"))]
    for talk in list(answered([*messages, *good], conversation=text_at(row, "id"), line=line))[-1:]:
        yield Talk(
            conversation=talk.conversation,
            id=talk.id,
            turns=talk.turns,
            answer=talk.answer,
            line=line,
            facts={"rejected": bad[0]} if bad else {},
        )


def logged(row: dict[str, Any], line: int) -> Iterator[Talk]:
    """A request with its response: only its last question was asked now, the rest is history."""
    request, response = row.get("request"), row.get("response")
    if not isinstance(request, dict):
        return
    text, identity, created = response_text(response)
    messages = [message_of(one) for one in objects(request.get("messages"))]
    if not text or not messages or messages[-1].role == "assistant":
        return
    talks = answered(
        [
            *messages,
            Message(
                role="assistant", text=shown(text), id=identity, at=seconds(created), model=text_at(request, "model")
            ),
        ],
        conversation=text_at(request, "metadata", "conversation_id"),
        user=text_at(request, "user") or text_at(request, "safety_identifier"),
        line=line,
    )
    yield from list(talks)[-1:]


def response_text(response: Any) -> tuple[str, str, Any]:
    """The answer's text, id and time, of a whole response or of a stream's pieces."""
    if isinstance(response, list):
        pieces = objects(response)
        text = "".join(
            text_at(choice, "delta", "content")
            for one in pieces
            for choice in objects(one.get("choices"))
            if choice.get("index", 0) == 0
        )
        first = pieces[0] if pieces else {}
        return text, text_at(first, "id"), first.get("created")
    if not isinstance(response, dict) or response.get("error"):
        return "", "", None
    choices = sorted(objects(response.get("choices")), key=lambda one: int(one.get("index") or 0))
    message = choices[0].get("message") if choices else None
    if not isinstance(message, dict):
        return "", "", None
    text = parts_text(message.get("content")) or text_at(message, "refusal")
    return text, text_at(response, "id"), response.get("created")


def ratings(rows: Iterable[Item]) -> dict[str, tuple[int | None, str]]:
    """`message_feedback.json`: message → rating and comment. A comment is JSON in a string."""
    found = {}
    for item in rows:
        row = item.value if isinstance(item.value, dict) else {}
        try:
            said = json.loads(text_at(row, "content") or "{}")
        except ValueError:
            said = {}
        rating = thumb(text_at(row, "rating").replace("_", ""))
        found[text_at(row, "message_id")] = (rating, text_at(said, "text"))
    return found
