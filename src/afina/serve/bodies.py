"""Bodies of chat completions: made ready for a model, and read when they come back."""

import asyncio
import json
from pathlib import Path
from typing import Any

from afina.chat import defuse, strip_thinking
from afina.errors import ModelError
from afina.runtime import base_of, gguf_facts
from afina.runtime.grammar import bound_by
from afina.sameness import composed
from afina.serve.confidence import probability_of
from afina.serve.route import LiveVersion
from afina.serve.target import Target
from afina.serve.transport import TargetFailedError

QUICK_CHARACTERS = 20_000
"""Texts up to this length are composed at once; longer ones in a thread, beside which others are answered."""
TOLD = {"system", "developer"}
"""Roles of who tells a model what to do."""


def read_answer(value: dict[str, Any], target: Target) -> str:
    """The answer as it is recorded; of a version's answer the thinking is taken out first and its own name put in.

    Raises:
        TargetFailedError: it is no chat completion.
    """
    try:
        if target.upstream is None:
            value["model"] = target.name
            for choice in value["choices"]:
                clean(choice["message"])
        first = value["choices"][0]["message"]
        text = first.get("content")
        calls = first.get("tool_calls")
    except (KeyError, IndexError, TypeError, AttributeError) as exc:
        raise TargetFailedError("the model did not answer with a chat completion", status=502) from exc
    if isinstance(text, str) and text:
        return strip_thinking(text)
    return json.dumps(calls, ensure_ascii=False) if calls else ""


def taken_confidence(value: dict[str, Any], target: Target) -> float | None:
    """How sure the model is of its answer; what the server told for it is taken out, because the caller did not ask for it."""
    choice = value["choices"][0]
    found = probability_of(choice)
    choice.pop("logprobs", None)
    if found is None:
        return None
    return target.version.calibration.of(found) if target.version is not None else min(1.0, found)


def clean(message: dict[str, Any]) -> None:
    """Leave of a message what a caller may see: no thinking."""
    message.pop("reasoning_content", None)
    content = message.get("content")
    nothing = None if message.get("tool_calls") else ""  # OpenAI's form of an answer that only calls tools
    message["content"] = strip_thinking(content) if content else nothing


def told_first(messages: Any, prompt: str) -> Any:
    """The prompt that a version was trained with before messages that bring no system turn: one rendering for training, evaluation and serving."""
    if (
        not prompt
        or not isinstance(messages, list)
        or any(m.get("role") in TOLD for m in messages if isinstance(m, dict))
    ):
        return messages
    return [{"role": "system", "content": prompt}, *messages]


def bound(body: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
    """The same body, its answer bound by a schema, if there is one."""
    if schema is None:
        return body
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return {**body, "response_format": form, "logprobs": True}


def tightened(body: dict[str, Any]) -> dict[str, Any]:
    """A worker's body whose schema is bound so that the answer is compact JSON, where that can be."""
    form = body.get("response_format")
    named = form.get("json_schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    if not isinstance(named, dict) or not isinstance(named.get("schema"), dict) or body.get("tools"):
        return body
    return bound_by({name: value for name, value in body.items() if name != "response_format"}, named["schema"])


async def as_trained(messages: list[dict[str, Any]], version: LiveVersion) -> list[dict[str, Any]]:
    """Messages as training reads them: composed (NFC), and none of their text can become a control token."""
    if sum(len(m.get("content") or "") for m in messages) > QUICK_CHARACTERS:
        return await asyncio.to_thread(as_trained_now, messages, version)
    return as_trained_now(messages, version)


def as_trained_now(messages: list[dict[str, Any]], version: LiveVersion) -> list[dict[str, Any]]:
    """The same, at once."""
    try:
        control = gguf_facts(base_of(Path(version.gguf))).control
    except (ModelError, OSError):
        return messages  # the worker holds the file open; it answers even when the name is gone
    return [
        {**m, "content": defuse(composed(m["content"]), control)} if isinstance(m.get("content"), str) else m
        for m in messages
    ]
