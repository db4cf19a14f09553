"""LibreChat: one conversation a file, as JSON (a list or a tree of messages) or CSV."""

from collections.abc import Iterable, Iterator
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Message, Talk, answered, branch, last_leaf, moment, parts_text, shown, thumb
from afina.files.loose_json import objects, text_at

NAME = "librechat"


def fits(first: Any) -> bool:
    """Whether a file is a conversation, or its table."""
    if not isinstance(first, dict):
        return False
    whole = "conversationId" in first and ("messages" in first or "messagesTree" in first)
    return whole or {"sender", "text", "isCreatedByUser"} <= set(first)


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """Answers on the branch that the page would show: the last of every group of siblings."""
    rows: list[dict[str, Any]] = []
    for item in found:
        one = item.value if isinstance(item.value, dict) else {}
        if "conversationId" in one and ("messages" in one or "messagesTree" in one):
            prompt = text_at(one, "options", "promptPrefix")
            yield from talks(
                flat(one.get("messages") or one.get("messagesTree")), text_at(one, "conversationId"), prompt, item.line
            )
        else:
            rows.append(
                {
                    **one,
                    "isCreatedByUser": str(one.get("isCreatedByUser")).lower() == "true",
                    "error": str(one.get("error")).lower() == "true",
                }
            )
    if rows:
        yield from talks(rows, "", "", 0)


def flat(messages: Any) -> list[dict[str, Any]]:
    """Messages of a tree as a list; a child knows its parent by where it stands."""
    found: list[dict[str, Any]] = []
    waiting = [(one, "") for one in reversed(objects(messages))]
    while waiting:
        one, parent = waiting.pop()
        found.append({**one, "parentMessageId": one.get("parentMessageId") or parent})
        waiting += [(child, text_at(one, "messageId")) for child in reversed(objects(one.get("children")))]
    return found


def talks(messages: list[dict[str, Any]], conversation: str, prompt: str, line: int) -> Iterator[Talk]:
    """The answers of one conversation."""
    nodes = {text_at(one, "messageId"): one for one in messages if text_at(one, "messageId")}
    parents = {name: p if (p := text_at(one, "parentMessageId")) in nodes else "" for name, one in nodes.items()}
    children: dict[str, list[str]] = {}
    for name, parent in parents.items():
        children.setdefault(parent, []).append(name)
    path = branch(parents, last_leaf(children, children[""][-1])) if children.get("") else []
    system = [Message(role="system", text=prompt)] if prompt else []
    yield from answered([*system, *(message_of(nodes[name]) for name in path)], conversation=conversation, line=line)


def message_of(one: dict[str, Any]) -> Message:
    """A message; one that failed has no words."""
    failed = bool(one.get("error")) or any(part.get("type") == "error" for part in objects(one.get("content")))
    text = parts_text(one.get("content")) or text_at(one, "text")
    said = one.get("feedback") if isinstance(one.get("feedback"), dict) else {}
    tag = said.get("tag") if said else None
    reason = text_at(tag, "key") if isinstance(tag, dict) else text_at(said, "tag")
    is_user = one.get("isCreatedByUser") is True
    return Message(
        role="user" if is_user else "assistant",
        failed=failed,
        text=text if is_user else shown(text),
        id=text_at(one, "messageId"),
        model=text_at(one, "model"),
        at=moment(one.get("createdAt")),
        rating=thumb(said.get("rating")) if said else None,
        comment=text_at(said, "text"),
        facts={"reason": reason} if reason else {},
    )
