"""Rasa: trackers (one or a list), and the events that `rasa export` writes, one a line."""

from collections.abc import Iterable, Iterator
from typing import Any

from afina.capture.importers.source import Item
from afina.capture.importers.talk import Message, Talk, answered, seconds
from afina.files.loose_json import objects, text_at

NAME = "rasa"
EXTERNAL = "EXTERNAL: "


def fits(first: Any) -> bool:
    """Whether the first entry is a tracker or an event."""
    return isinstance(first, dict) and "sender_id" in first and ("events" in first or "event" in first)


def read(found: Iterable[Item]) -> Iterator[Talk]:
    """Answers of each conversation. Events of several may be mixed in a file: they are put in order first."""
    loose: dict[str, list[dict[str, Any]]] = {}
    for item in found:
        row = item.value if isinstance(item.value, dict) else {}
        if isinstance(row.get("events"), list):
            yield from talks(text_at(row, "sender_id"), objects(row["events"]), item.line)
        elif "event" in row:
            loose.setdefault(text_at(row, "sender_id"), []).append(row)
    for sender, events in loose.items():
        yield from talks(
            sender,
            sorted(events, key=lambda one: at if isinstance(at := one.get("timestamp"), int | float) else 0.0),
            0,
        )


def talks(sender: str, events: list[dict[str, Any]], line: int) -> Iterator[Talk]:
    """The answers of one sender: every text of the bot up to the next message of the person is one answer."""
    messages: list[Message] = []
    for asked, said, at in exchanges(events):
        text = said_by(asked, titles(events))
        answer = "\n\n".join(said)
        if not text or not answer:
            continue
        name = (
            text_at(asked, "message_id")
            or text_at(asked, "parse_data", "message_id")
            or f"{sender}:{asked.get('timestamp')}"
        )
        intent = text_at(asked, "parse_data", "intent", "name")
        messages += [
            Message(role="user", text=text),
            Message(role="assistant", text=answer, id=name, at=seconds(at), facts={"intent": intent} if intent else {}),
        ]
    yield from answered(messages, conversation=sender, user=sender, line=line)


def exchanges(events: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], list[str], Any]]:
    """Each message of the person with the bot's texts after it; what was rewound or undone did not happen."""
    done: list[tuple[dict[str, Any], list[list[str]]]] = []
    for event in events:
        kind = text_at(event, "event")
        if kind == "user":
            done.append((event, []))
        elif kind == "action" and done:
            done[-1][1].append([])
        elif kind == "bot" and done and text_at(event, "text").strip():
            if not done[-1][1]:
                done[-1][1].append([])
            done[-1][1][-1].append(text_at(event, "text").strip())
        elif kind == "rewind" and done:
            done.pop()
        elif kind == "undo" and done and done[-1][1]:
            done[-1][1].pop()
    for asked, acts in done:
        yield asked, [text for act in acts for text in act], asked.get("timestamp")


def titles(events: list[dict[str, Any]]) -> dict[str, str]:
    """Payload → the words on its button."""
    return {
        text_at(button, "payload"): text_at(button, "title")
        for event in events
        for button in objects((event.get("data") or {}).get("buttons") if isinstance(event.get("data"), dict) else None)
    }


def said_by(asked: dict[str, Any], buttons: dict[str, str]) -> str:
    """What a person said: of a button the words on it; what a program sent is nobody's."""
    text = text_at(asked, "text").strip()
    if text.startswith("/"):
        return buttons.get(text, "")
    return "" if text.startswith(EXTERNAL) else text
