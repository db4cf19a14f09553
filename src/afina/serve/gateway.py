"""The HTTP door: OpenAI's chat completions, a classification call, feedback, models, health.

Every answer carries `x-afina-model` and `x-afina-interaction`; the latter is what feedback refers to.
"""

import asyncio
import contextlib
import json
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from afina.chat import COMPACT, ThinkingFilter, answer_schema, classify_turns, defuse, parse_answer, strip_thinking
from afina.errors import ModelError
from afina.ids import ClientId, InteractionId, new_id
from afina.records import Interaction
from afina.runtime import Worker, gguf_facts
from afina.serve.fleet import Fleet
from afina.serve.route import LiveVersion

Record = Callable[[Interaction], None]
MAX_BODY_BYTES = 4_000_000


class Classification(BaseModel):
    """Body of `/v1/classify`."""

    text: str = Field(min_length=1, max_length=100_000)
    user: str = ""
    model: str = ""


class Opinion(BaseModel):
    """Body of `/v1/feedback`."""

    interaction: str
    kind: Literal["accepted", "corrected"]
    value: dict[str, str] = Field(default_factory=dict)
    reviewer: str = ""


@dataclass(slots=True)
class Exchange:
    """One request on its way: who asked what of whom, since when."""

    version: LiveVersion
    user: str
    text: str
    conversation: str
    began: float
    id: InteractionId

    def headers(self) -> dict[str, str]:
        """What the caller may refer to later."""
        return {"x-afina-model": self.version.name, "x-afina-interaction": self.id}

    def interaction(
        self, client: ClientId, *, answer: str, usage: dict[str, Any] | None, error: str = ""
    ) -> Interaction:
        """The record of the finished exchange."""
        return Interaction(
            id=self.id, client=client, user=storable(self.user), conversation=storable(self.conversation),
            text=storable(self.text), answer=storable(answer), task=self.version.task, source="gateway",
            external_id=self.id, model_version=self.version.id, latency_ms=(time.monotonic() - self.began) * 1000,
            ok=not error, error=storable(error), tokens_in=(usage or {}).get("prompt_tokens"),
            tokens_out=(usage or {}).get("completion_tokens"),
        )  # fmt: skip


def storable(text: str) -> str:
    """Text without NUL characters, which PostgreSQL cannot hold."""
    return text.replace("\x00", "")


def problem(status: int, message: str, *, kind: str = "invalid_request_error") -> JSONResponse:
    """An error in OpenAI's form, which its clients turn into exceptions."""
    return JSONResponse({"error": {"message": message, "type": kind, "code": status}}, status_code=status)


def last_user_text(messages: Any) -> str:
    """The text of the last user message; content may be a string or a list of parts."""
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                return " ".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
            return str(content or "")
    return ""


class Gateway:
    """Routes, forwards, records."""

    def __init__(
        self, fleet: Fleet, *, client: ClientId, record: Record, feedback: Callable[[Opinion], bool], timeout_s: float
    ) -> None:
        self.fleet, self.client, self.record, self.feedback = fleet, client, record, feedback
        self.http = httpx.AsyncClient(timeout=timeout_s, limits=httpx.Limits(max_connections=200))

    async def chat(self, request: Request) -> Response:
        """`POST /v1/chat/completions`, streaming or not."""
        body = await read_body(request)
        return body if isinstance(body, Response) else await self.ask(request, body)

    async def ask(self, request: Request, body: dict[str, Any]) -> Response:
        """Answer a chat completion's body."""
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            return problem(400, "`messages` must be a non-empty list")
        user = str(body.get("user") or request.headers.get("x-user") or "")
        found = self.fleet.route(user, model=str(body.get("model") or ""))
        if found is None:
            return problem(503, "no model is live: `afina release` starts one", kind="server_error")
        version, worker = found
        exchange = Exchange(
            version, user, last_user_text(body["messages"]), request.headers.get("x-conversation", ""), time.monotonic(),
            InteractionId(new_id("int")),
        )  # fmt: skip
        body["model"] = version.name
        tighten(body)
        body["messages"] = await asyncio.to_thread(as_trained, body["messages"], version)
        if body.get("stream"):
            return await self.stream(exchange, worker, body)
        return await self.forward(exchange, worker, body)

    async def forward(self, exchange: Exchange, worker: Worker, body: dict[str, Any]) -> Response:
        """One whole answer."""
        with self.fleet.using(exchange.version):
            try:
                reply = await self.http.post(f"{worker.url}/v1/chat/completions", json=body)
            except httpx.HTTPError as exc:
                self.record(exchange.interaction(self.client, answer="", usage=None, error=type(exc).__name__))
                return problem(502, f"the model worker did not answer ({type(exc).__name__})", kind="server_error")
        if reply.status_code != httpx.codes.OK:
            if reply.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                self.record(exchange.interaction(self.client, answer="", usage=None, error=reply.text[:200]))
            return Response(reply.content, reply.status_code, exchange.headers(), "application/json")
        value = reply.json()
        value["model"] = exchange.version.name
        message = value["choices"][0]["message"]
        message.pop("reasoning_content", None)
        message["content"] = answer = strip_thinking(message.get("content") or "")
        self.record(exchange.interaction(self.client, answer=answer, usage=value.get("usage")))
        return JSONResponse(value, headers=exchange.headers())

    async def stream(self, exchange: Exchange, worker: Worker, body: dict[str, Any]) -> Response:
        """Server-sent events as they come. A client that leaves ends the generation; what it saw is recorded."""
        request = self.http.build_request("POST", f"{worker.url}/v1/chat/completions", json=body)
        in_use = contextlib.ExitStack()
        in_use.enter_context(self.fleet.using(exchange.version))  # from before the prompt is read until the last event
        try:
            reply = await self.http.send(request, stream=True)
        except httpx.HTTPError as exc:
            in_use.close()
            self.record(exchange.interaction(self.client, answer="", usage=None, error=type(exc).__name__))
            return problem(502, f"the model worker did not answer ({type(exc).__name__})", kind="server_error")
        if reply.status_code != httpx.codes.OK:
            content = await reply.aread()
            await reply.aclose()
            in_use.close()
            if reply.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                error = content[:200].decode("utf-8", errors="replace")
                self.record(exchange.interaction(self.client, answer="", usage=None, error=error))
            return Response(content, reply.status_code, exchange.headers(), "application/json")
        return StreamingResponse(
            self.events(exchange, reply, in_use), media_type="text/event-stream", headers=exchange.headers()
        )

    async def events(
        self, exchange: Exchange, reply: httpx.Response, in_use: contextlib.ExitStack
    ) -> AsyncIterator[bytes]:
        """The worker's events, passed on; recorded when they end, however they end."""
        pieces: list[str] = []
        hidden = ThinkingFilter()
        usage: dict[str, Any] | None = None
        error = ""  # somebody who leaves early is no failure of the model
        try:
            async for line in reply.aiter_lines():
                shown, found = read_event(line, pieces, hidden)
                usage = found or usage
                yield f"{shown}\n".encode()
        except httpx.HTTPError as exc:
            error = type(exc).__name__
        finally:
            in_use.close()
            await reply.aclose()
            self.record(exchange.interaction(self.client, answer="".join(pieces), usage=usage, error=error))

    async def classify(self, body: Classification) -> Response:
        """`POST /v1/classify`: the trained prompt, the trained labels, JSON under a schema."""
        found = self.fleet.route(body.user, model=body.model)
        if found is None:
            return problem(503, "no model is live: `afina release` starts one", kind="server_error")
        version, worker = found
        if not version.fields:
            return problem(400, f"{version.name} is no classifier")
        exchange = Exchange(version, body.user, body.text, "", time.monotonic(), InteractionId(new_id("int")))
        schema = answer_schema(version.labels, fields=version.fields)
        turns = classify_turns(body.text, fields=version.fields)
        messages = [{"role": t.role, "content": t.content} for t in turns]
        reply = await self.forward(exchange, worker, {
            "messages": await asyncio.to_thread(as_trained, messages, version),
            "temperature": 0,
            "max_tokens": 128,
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
        })  # fmt: skip
        if reply.status_code != httpx.codes.OK:
            return reply
        answer = json.loads(bytes(reply.body))["choices"][0]["message"]["content"] or ""
        fields = parse_answer(answer, fields=version.fields)
        return JSONResponse(
            {"fields": fields, "model": version.name, "interaction": exchange.id}, headers=exchange.headers()
        )

    async def opinion(self, body: Opinion) -> Response:
        """`POST /v1/feedback`."""
        if body.kind == "corrected" and not body.value:
            return problem(400, "a correction needs `value`")
        if not await asyncio.to_thread(self.feedback, body):
            return problem(404, f"no interaction {body.interaction}")
        return JSONResponse({"ok": True})


def tighten(body: dict[str, Any]) -> None:
    """Ask for compact JSON where a request brings a schema that does not say how it wants its white space."""
    with contextlib.suppress(KeyError, TypeError, AttributeError):
        body["response_format"]["json_schema"]["schema"].setdefault("x-guidance", COMPACT)


def as_trained(messages: list[Any], version: LiveVersion) -> list[Any]:
    """Messages as training reads them: composed (NFC), and none of their text can become a control token."""
    try:
        control = gguf_facts(Path(version.gguf)).control
    except (ModelError, OSError):
        return messages  # the worker holds the file open; it answers even when the name is gone

    def plain(text: str) -> str:
        return defuse(unicodedata.normalize("NFC", text), control)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return plain(value)
        if isinstance(value, list):
            return [{**p, "text": plain(str(p["text"]))} if isinstance(p, dict) and "text" in p else p for p in value]
        return value

    return [{**m, "content": clean(m.get("content"))} if isinstance(m, dict) else m for m in messages]


def read_event(line: str, pieces: list[str], hidden: ThinkingFilter) -> tuple[str, dict[str, Any] | None]:
    """Collect the visible text of one server-sent event. Returns the event to pass on and its usage if it has one."""
    if not line.startswith("data: ") or line == "data: [DONE]":
        return line, None
    with contextlib.suppress(json.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        event = json.loads(line[6:])
        for choice in event.get("choices", []):
            delta = choice.get("delta", {})
            thought = delta.pop("reasoning_content", None)
            text = hidden.feed(delta.get("content") or "") + (hidden.end() if choice.get("finish_reason") else "")
            if thought is not None or text != (delta.get("content") or ""):
                delta["content"] = text
                line = "data: " + json.dumps(event, ensure_ascii=False)
            pieces.append(text)
        return line, event.get("usage")
    return line, None


async def read_body(request: Request) -> dict[str, Any] | Response:
    """The request's JSON object, or the error to answer with."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            return problem(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes")
    try:
        body = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return problem(400, "the body is not JSON")
    return body if isinstance(body, dict) else problem(400, "the body is not a JSON object")
