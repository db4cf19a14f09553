"""Server-sent events of a target → the events that a caller sees, and the answer that is recorded: the same as in one piece."""

import contextlib
import json
from collections import defaultdict
from typing import Any

from afina.chat import ThinkingFilter
from afina.serve.target import Target

PREFIX = "data:"
DONE = "[DONE]"


class StreamReader:
    """Reads one stream. Every choice of it has a text of its own. An upstream's events are passed on as they are; `hides_usage`: but for the one with
    the counts, which this gateway asked for and the caller did not.
    """

    def __init__(self, target: Target, *, hides_usage: bool = False) -> None:
        self.target, self.hides_usage = target, hides_usage
        self.pieces: defaultdict[int, list[str]] = defaultdict(list)
        self.hidden: defaultdict[int, ThinkingFilter] = defaultdict(ThinkingFilter)
        self.calls: dict[int, dict[str, str]] = {}
        self.usage: dict[str, Any] | None = None
        self.timings: dict[str, Any] = {}
        self.written = 0
        self.error = ""
        """What the server said went wrong."""
        self.finished = self.complete = False
        """Whether its end was announced, and whether a choice said why it ended."""

    def shown(self, line: str) -> str:
        """An event as the caller sees it; of a version's its name, no thinking spans."""
        if not line.startswith(PREFIX):
            return line
        data = line.removeprefix(PREFIX).strip()
        if data == DONE:
            self.finished = self.complete = True
            return line
        with contextlib.suppress(ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
            return self.read(line, json.loads(data))
        return line

    def read(self, line: str, event: dict[str, Any]) -> str:
        """The same, of one event."""
        choices = event.get("choices") or []
        if error := event.get("error"):
            self.error = str(error.get("message") if isinstance(error, dict) else error)[:200] or "error"
        self.complete = self.complete or any(choice.get("finish_reason") for choice in choices)
        self.usage = event.get("usage") or self.usage
        self.timings = event.get("timings") or self.timings
        for choice in choices:
            self.read_choice(choice)
        if self.target.upstream is not None:
            return "" if self.hides_usage and not choices and event.get("usage") else line
        event["model"] = self.target.name
        if not any(choice.get("finish_reason") for choice in choices):
            event.pop("timings", None)
        return f"data: {json.dumps(event, ensure_ascii=False)}"

    def read_choice(self, choice: dict[str, Any]) -> None:
        """Collect the visible text of a choice's piece, and leave only that in it."""
        at, delta = int(choice.get("index", 0)), choice.get("delta") or {}
        thought = delta.pop("reasoning_content", None)
        written = delta.get("content") or ""
        self.written += bool(written or thought or delta.get("tool_calls"))
        text = self.hidden[at].feed(written) + (self.hidden[at].end() if choice.get("finish_reason") else "")
        if thought is not None or text != written:
            delta["content"] = text
            choice["delta"] = delta
        self.pieces[at].append(text)
        if at == 0:
            self.read_calls(delta.get("tool_calls") or [])

    def read_calls(self, pieces: list[dict[str, Any]]) -> None:
        """Put the calls of tools together, which come in pieces too."""
        for piece in pieces:
            call = self.calls.setdefault(int(piece.get("index", 0)), {"id": "", "name": "", "arguments": ""})
            function = piece.get("function") or {}
            call["id"] += piece.get("id") or ""
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""

    def answer(self) -> str:
        """The first choice's text; where it only calls tools, the calls."""
        text = "".join(self.pieces[0])
        if text or not self.calls:
            return text
        calls = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in self.calls.values()
        ]
        return json.dumps(calls, ensure_ascii=False)

    def counted(self) -> dict[str, Any]:
        """Tokens in OpenAI's form: the server's own numbers, which of a stream that was cut are those of its last piece; an upstream that tells none
        has written about one token a piece.
        """
        if self.usage is not None:
            return self.usage
        if self.timings:
            read = self.timings.get("prompt_n", 0) + self.timings.get("cache_n", 0)
            return {"prompt_tokens": read, "completion_tokens": self.timings.get("predicted_n", 0)}
        return {"completion_tokens": self.written} if self.written else {}
