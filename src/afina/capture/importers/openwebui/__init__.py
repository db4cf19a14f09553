"""Open WebUI: "Export All Chats" (a list of chats, each a tree of messages) and the history of feedback (Admin, Evaluations)."""

from collections.abc import Iterable, Iterator
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Message, Talk, answered, branch, last_leaf, seconds, shown, thumb
from afina.files.loose_json import objects, text_at

NAME = "openwebui"


def fits(first: Any) -> bool:
    """Whether the first entry of a file is a chat or feedback."""
    if not isinstance(first, dict):
        return False
    chat = first.get("chat")
    is_chat = isinstance(chat, dict) and ("history" in chat or "messages" in chat)
    return is_chat or (first.get("type") == "rating" and "data" in first and ("meta" in first or "snapshot" in first))


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """Answers on the branch that is shown, rated ones of any branch, and those of feedback as they were when they were rated."""
    seen: set[str] = set()
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        if row.get("type") == "rating":
            for talk in feedback(row, item.line):
                if talk.id not in seen:  # the newest stands first: people change their minds
                    yield talk
                seen.add(talk.id)
        elif isinstance(row.get("chat"), dict):
            yield from chat(row, item.line)


def chat(row: dict[str, Any], line: int) -> Iterator[Talk]:
    """One conversation."""
    history = row["chat"].get("history")
    current = text_at(history, "currentId") or text_at(row, "current_message_id") or text_at(row, "chat", "currentId")
    prompt = text_at(row, "chat", "params", "system")
    yield from answered(
        [*([Message(role="system", text=prompt)] if prompt else []), *shown_branch(row["chat"], current)],
        conversation=text_at(row, "id") or text_at(row, "chat", "id"),
        user=text_at(row, "user_id"),
        line=line,
    )


def shown_branch(whole: dict[str, Any], current: str) -> list[Message]:
    """Messages from the beginning to `current`; without one along the last answers."""
    history = whole.get("history")
    tree = history.get("messages") if isinstance(history, dict) else None
    if not isinstance(tree, dict) or not tree:
        return [message_of(one) for one in objects(whole.get("messages"))]
    nodes = {name: one for name, one in tree.items() if isinstance(one, dict)}
    if current not in nodes:
        roots = [name for name, one in nodes.items() if not one.get("parentId")]
        children = {
            name: [str(c) for c in one.get("childrenIds") or [] if str(c) in nodes] for name, one in nodes.items()
        }
        current = last_leaf(children, roots[-1]) if roots else ""
    return [
        message_of(nodes[name]) for name in branch({n: text_at(one, "parentId") for n, one in nodes.items()}, current)
    ]


def message_of(one: dict[str, Any]) -> Message:
    """A message with what was said of it; an answer that failed has no words."""
    content = text_at(one, "content")
    said = one.get("annotation") if isinstance(one.get("annotation"), dict) else {}
    return Message(
        role=text_at(one, "role"),
        id=text_at(one, "id"),
        model=text_at(one, "model"),
        at=seconds(one.get("timestamp")),
        text=shown(content) if one.get("role") == "assistant" else content,
        failed=bool(one.get("error")) and not shown(content),
        rating=thumb(said.get("rating")) if said else None,
        comment=text_at(said, "comment"),
        facts={"reason": said["reason"]} if said and said.get("reason") else {},
    )


def feedback(row: dict[str, Any], line: int) -> Iterator[Talk]:
    """A rated answer, from the chat as it was then. Without the chat nothing can be learnt of it."""
    data, meta = row.get("data"), row.get("meta")
    if not isinstance(data, dict) or not isinstance(meta, dict):
        return
    chat = (row.get("snapshot") or {}).get("chat")
    whole = chat.get("chat") if isinstance(chat, dict) else None
    name = text_at(meta, "message_id")
    if not isinstance(whole, dict) or not name:
        return
    talks = answered(
        shown_branch(whole, name),
        conversation=text_at(meta, "chat_id"),
        user=text_at(row, "user_id"),
        line=line,
    )
    for talk in talks:
        if talk.id == name:
            reason = text_at(data, "reason")
            yield Talk(
                conversation=talk.conversation,
                id=talk.id,
                turns=talk.turns,
                answer=talk.answer,
                user=talk.user,
                line=line,
                at=talk.at,
                model=talk.model or text_at(data, "model_id"),
                rating=thumb(data.get("rating")),
                comment=text_at(data, "comment"),
                facts={"reason": reason} if reason else {},
            )
