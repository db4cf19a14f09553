"""One request on its way: who asked what of whom, and what became of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from afina.ids import ClientId, InteractionId, new_id
from afina.records import Fault, Interaction, Turn
from afina.serve.completion import Message
from afina.serve.route import LiveVersion

ROLES = {"developer": "system"}
"""OpenAI's newer word for a role."""
OVERHEAD = "x-afina-overhead-ms"
MAX_NAME = 512
"""Longest user or conversation that is recorded, characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request. `ignored` are keys of it that were not passed on."""

    version: LiveVersion
    user: str
    text: str
    conversation: str
    context: tuple[Turn, ...] = ()
    """What was said before the text, as the caller sent it."""
    ignored: Sequence[str] = ()
    began: float = field(default_factory=time.monotonic)
    id: InteractionId = field(default_factory=lambda: InteractionId(new_id("int")))

    def headers(self, *, upstream_s: float = 0.0) -> dict[str, str]:
        """What the caller may refer to later, what of the request had no effect, and what this gateway took beside the model's `upstream_s`."""
        overhead = (time.monotonic() - self.began - upstream_s) * 1000
        ignored = {"x-afina-ignored": ",".join(self.ignored)[:200]} if self.ignored else {}
        plain = {name: value.encode("ascii", "replace").decode() for name, value in ignored.items()}
        return {
            "x-afina-model": self.version.name,
            "x-afina-interaction": self.id,
            OVERHEAD: f"{overhead:.2f}",
            **plain,
        }

    def interaction(
        self, client: ClientId, *, answer: str, usage: dict[str, Any] | None, error: str = "", fault: Fault = Fault.NONE
    ) -> Interaction:
        """The record of the finished exchange."""
        return Interaction(
            id=self.id,
            client=client,
            user=storable(self.user)[:MAX_NAME],
            conversation=storable(self.conversation)[:MAX_NAME],
            text=storable(self.text),
            context=tuple(Turn(t.role, storable(t.content)) for t in self.context),
            answer=storable(answer),
            task=self.version.task,
            source="gateway",
            external_id=self.id,
            model_version=self.version.id,
            latency_ms=(time.monotonic() - self.began) * 1000,
            ok=fault is Fault.NONE,
            error=storable(error),
            fault=fault,
            tokens_in=(usage or {}).get("prompt_tokens"),
            tokens_out=(usage or {}).get("completion_tokens"),
        )


def storable(text: str) -> str:
    """Text without NUL characters and half characters, which PostgreSQL cannot hold: a model may write one."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def said(messages: Sequence[Message]) -> tuple[str, tuple[Turn, ...]]:
    """The text of the last user message, and what was said before it."""
    at = max((n for n, message in enumerate(messages) if message.role == "user"), default=0)
    before = tuple(Turn(ROLES.get(m.role, m.role), m.content) for m in messages[:at] if m.content)
    return messages[at].content or "", tuple(turn for turn in before if turn.role in {"system", "user", "assistant"})
