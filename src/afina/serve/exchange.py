"""One request on its way: who asked what of whom, and what became of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from afina.ids import InteractionId, new_id
from afina.records import Fault, Interaction, Turn
from afina.serve.caller import REQUEST_ID, Caller
from afina.serve.completion import asks_usage
from afina.serve.storable import bounded, plain, storable
from afina.serve.target import Target, cost

ROLES = {"developer": "system"}
"""OpenAI's newer word for a role."""
SPOKEN = {"system", "user", "assistant"}
OVERHEAD = "x-afina-overhead-ms"
SOURCE = "gateway"
UNRECORDED = {"messages", "user", "metadata", "stream", "stream_options"}
"""Keys of a body that are recorded elsewhere, or say nothing of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as it is recorded. `ignored` are keys of the request that were not passed on."""

    text: str
    context: tuple[Turn, ...] = ()
    """What was said before the text, as the caller sent it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    asks_usage: bool = False
    """Whether the caller wants a stream's counts."""
    asks_logprobs: bool = False
    """Whether the caller wants the tokens' probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question to one target. Where that fails, the next target gets an exchange of its own, with the same beginning."""

    caller: Caller
    question: Question
    target: Target
    began: float = field(default_factory=time.monotonic)
    id: InteractionId = field(default_factory=lambda: InteractionId(new_id("int")))

    def to(self, target: Target) -> "Exchange":
        """The same question to somebody else."""
        return replace(self, target=target, id=InteractionId(new_id("int")))

    def ignoring(self, keys: Sequence[str]) -> "Exchange":
        """The same; these keys of the request had no effect."""
        return replace(self, question=replace(self.question, ignored=keys)) if keys else self

    def finding(self, found: Sequence[Mapping[str, str]]) -> "Exchange":
        """The same; these rules were broken."""
        told = {**self.question.parameters, "findings": list(found)}
        return replace(self, question=replace(self.question, parameters=told)) if found else self

    def missing(self, error: str, fault: Fault) -> Interaction:
        """The record of an exchange without an answer."""
        return self.interaction(answer="", usage=None, error=error, fault=fault)

    def headers(self, *, upstream_s: float = 0.0) -> dict[str, str]:
        """What the caller may refer to later, what of the request had no effect, and what this gateway took beside the model's `upstream_s`."""
        overhead = (time.monotonic() - self.began - upstream_s) * 1000
        ignored = {"x-afina-ignored": ",".join(self.question.ignored)[:200]} if self.question.ignored else {}
        return {
            "x-afina-model": plain(self.target.name),
            "x-afina-interaction": self.id,
            REQUEST_ID: self.caller.request_id,
            OVERHEAD: f"{overhead:.2f}",
            **{name: plain(value) for name, value in ignored.items()},
        }

    def interaction(
        self,
        *,
        answer: str,
        usage: Mapping[str, Any] | None,
        confidence: float | None = None,
        error: str = "",
        fault: Fault = Fault.NONE,
    ) -> Interaction:
        """The record of the finished exchange."""
        caller, target, version = self.caller, self.target, self.target.version
        tokens_in, tokens_out = tokens(usage, "prompt_tokens"), tokens(usage, "completion_tokens")
        upstream, draw = target.upstream, target.draw
        return Interaction(
            id=self.id,
            client=caller.client,
            user=caller.user,
            conversation=caller.conversation,
            text=storable(self.question.text),
            context=tuple(Turn(t.role, storable(t.content)) for t in self.question.context),
            answer=storable(answer),
            confidence=confidence,
            facts=dict(caller.facts),
            task=target.task,
            source=caller.channel if caller.message else SOURCE,
            external_id=caller.message if caller.message and fault is Fault.NONE else self.id,
            model_version=version.id if version is not None else None,
            latency_ms=(time.monotonic() - self.began) * 1000,
            ok=fault is Fault.NONE,
            error=storable(error),
            fault=fault,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            request_id=caller.request_id,
            served_by=storable(target.name),
            variant=target.variant,
            rollout=draw.rollout if draw else "",
            drawn="" if draw is None else "canary" if draw.canary else "production",
            canary_share=draw.share if draw else None,
            parameters=bounded(self.question.parameters),
            channel=caller.channel,
            product=caller.product,
            category=caller.category,
            cost=cost(upstream, tokens_in or 0, tokens_out or 0) if upstream is not None else None,
        )


def tokens(usage: Any, name: str) -> int | None:
    """A count that a server told, if it is one that a row can hold."""
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def question_of(body: Mapping[str, Any]) -> Question:
    """A chat completion's body as it is recorded: the last user message, what was said before it, and all else. Messages that are more than texts
    (calls of tools, their results, images) are recorded whole, among the parameters.
    """
    given = body.get("messages")
    messages = [m for m in given if isinstance(m, dict)] if isinstance(given, list) else []
    said = [(ROLES.get(str(m.get("role")), str(m.get("role"))), text_of(m.get("content"))) for m in messages]
    at = max((n for n, (role, _) in enumerate(said) if role == "user"), default=0)
    context = tuple(Turn(role, text) for role, text in said[:at] if text and role in SPOKEN)
    parameters = {name: value for name, value in body.items() if name not in UNRECORDED and value is not None}
    if any(m.keys() - {"role", "content"} or not isinstance(m.get("content"), str) for m in messages):
        parameters["messages"] = messages
    text = said[at][1] if said else ""
    return Question(
        text=text,
        context=context,
        parameters=parameters,
        asks_usage=asks_usage(body),
        asks_logprobs=bool(body.get("logprobs")),
    )


def text_of(content: Any) -> str:
    """The text of a message's content, which may be in parts; of other parts what they are."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(p.get("text") or f"[{p.get('type')}]") for p in parts if isinstance(p, dict))
