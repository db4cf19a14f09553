"""Server-sent events of a worker → the events that a caller sees, and the answer that is recorded: the same as in one piece."""

import contextlib
import json
from collections import defaultdict
from typing import Any

from afina.chat import ThinkingFilter

PREFIX = "data: "
DONE = "data: [DONE]"


class StreamReader:
    """Reads one stream. Every choice of it has a text of its own."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.pieces: defaultdict[int, list[str]] = defaultdict(list)
        self.hidden: defaultdict[int, ThinkingFilter] = defaultdict(ThinkingFilter)
        self.usage: dict[str, Any] | None = None
        self.finished = False

    def shown(self, line: str) -> str:
        """An event as the caller sees it: the version's name, no thinking spans."""
        if not line.startswith(PREFIX) or line == DONE:
            self.finished = self.finished or line == DONE
            return line
        with contextlib.suppress(json.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
            event = json.loads(line.removeprefix(PREFIX))
            event["model"] = self.model
            for choice in event.get("choices", []):
                self.read_choice(choice)
            self.usage = event.get("usage") or self.usage
            return PREFIX + json.dumps(event, ensure_ascii=False)
        return line

    def read_choice(self, choice: dict[str, Any]) -> None:
        """Collect the visible text of a choice's piece, and leave only that in it."""
        at, delta = int(choice.get("index", 0)), choice.get("delta") or {}
        thought = delta.pop("reasoning_content", None)
        written = delta.get("content") or ""
        text = self.hidden[at].feed(written) + (self.hidden[at].end() if choice.get("finish_reason") else "")
        if thought is not None or text != written:
            delta["content"] = text
            choice["delta"] = delta
        self.pieces[at].append(text)

    def answer(self) -> str:
        """The first choice's text."""
        return "".join(self.pieces[0])
