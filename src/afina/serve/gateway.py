"""The HTTP door: OpenAI's chat completions, feedback.

Every answer carries `x-afina-model` and `x-afina-interaction`; the latter is what feedback refers to. What is wrong with a
request is refused here, before a worker that all callers share sees it.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from afina.chat import COMPACT, defuse, strip_thinking
from afina.errors import AfinaError, ModelError
from afina.ids import ClientId
from afina.records import Fault, Feedback, Interaction
from afina.runtime import Worker, base_of, gguf_facts
from afina.sameness import composed
from afina.serve.budget import Budget, OpenSession, guessed_tokens
from afina.serve.completion import read_completion, to_worker
from afina.serve.exchange import Exchange, said
from afina.serve.fleet import Fleet
from afina.serve.keys import Key
from afina.serve.opinions import Opinion, feedback_of
from afina.serve.problems import RequestProblem, parsed, problem, read_body
from afina.serve.route import LiveVersion
from afina.serve.stream import StreamReader

LOG = logging.getLogger("afina.serve")
Record = Callable[[Interaction | Feedback], None]
KEEP_ALIVE_S = 2.0
"""llama.cpp's server closes an idle connection after five seconds: ours are given up well before."""
QUICK_CHARACTERS = 20_000
"""Texts up to this length are composed at once; longer ones in a thread, beside which others are answered."""
REQUESTS_FAULT = (
    "not supported", "Failed to parse messages", "Failed to parse tools", "json.exception", "Unable to generate parser",
    "Jinja", "chat template", "JSON schema", "grammar", "must be", "Expected",
)  # fmt: skip
"""Words of llama.cpp's errors that it answers with 500 although the request is to blame."""
REFUSED_CHARACTERS = 2000
"""How much of a refused request is recorded."""
ON_ITS_WAY_S, FEEDBACK_WAIT_S = 60.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where a gateway writes and reads: records of what was said, feedback at once, keys, budgets; and whether it may write."""

    record: Record
    feedback: Callable[[Feedback], bool]
    keys: Callable[[], dict[str, Key]]
    session: OpenSession
    refuses: Callable[[], str] = str
    """Why nothing is answered now, "" while it is: asked before every request."""


class Gateway:
    """Routes, forwards, records."""

    def __init__(self, fleet: Fleet, books: Books, budget: Budget, *, client: ClientId, timeout_s: float) -> None:
        self.fleet, self.client, self.feedback = fleet, client, books.feedback
        self.save, self.budget, self.refuses = books.record, budget, books.refuses
        self.on_its_way: dict[str, float] = {}
        self.desk = ThreadPoolExecutor(4, "feedback")  # its own: who waits for the database must not hold up answers
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=64, keepalive_expiry=KEEP_ALIVE_S)
        self.http = httpx.AsyncClient(timeout=timeout_s, limits=limits)

    async def close(self) -> None:
        """Give up connections and threads."""
        self.desk.shutdown(wait=False, cancel_futures=True)
        await self.http.aclose()

    def record(self, interaction: Interaction) -> None:
        """Hand an interaction out; remembered for a minute, because feedback may be faster than the database."""
        now = time.monotonic()
        while self.on_its_way and now - self.on_its_way[oldest := next(iter(self.on_its_way))] > ON_ITS_WAY_S:
            del self.on_its_way[oldest]
        self.on_its_way[interaction.id] = now
        if interaction.conversation:
            self.on_its_way[interaction.conversation] = now
        self.save(interaction)
        self.budget.settle(interaction)

    async def chat(self, request: Request) -> Response:
        """`POST /v1/chat/completions`, streaming or not."""
        return await self.ask(request, await read_body(request))

    async def ask(self, request: Request, body: dict[str, Any]) -> Response:
        """Answer a chat completion's body.

        Raises:
            RequestProblem: something is wrong with it.
        """
        try:
            completion, ignored = read_completion(body)
        except RequestProblem as exc:
            self.record_refusal(request, body, exc)
            raise
        user = completion.user or request.headers.get("x-user", "")
        version, worker = self.route(user, completion.model)
        text, context = said(completion.messages)
        exchange = Exchange(
            version=version,
            user=user,
            text=text,
            context=context,
            ignored=ignored,
            conversation=request.headers.get("x-conversation", ""),
        )
        sent = to_worker(completion)
        tighten(sent)
        sent["messages"] = await as_trained(with_prompt(sent["messages"], version), version)
        await self.reserve(request, exchange, sent)
        if completion.stream:
            return await self.stream(exchange, worker, sent)
        return await self.forward(request, exchange, worker, sent)

    async def reserve(self, request: Request, exchange: Exchange, sent: dict[str, Any]) -> None:
        """Set aside what a request may need of its key's budget.

        Raises:
            RequestProblem: it has not enough left.
        """
        tokens = guessed_tokens(sent["messages"], sent.get("max_tokens"))
        await self.budget.reserve(getattr(request.state, "key", None), exchange.id, tokens)

    def record_refusal(self, request: Request, body: dict[str, Any], why: RequestProblem) -> None:
        """Record that a request was refused, as far as it can be read; it is no failure of the version that it was for."""
        user = str(body.get("user") or request.headers.get("x-user", ""))
        found = self.fleet.route(user, model=str(body.get("model") or ""))
        if found is None:
            return
        text = json.dumps(body.get("messages"), ensure_ascii=False)[:REFUSED_CHARACTERS]
        exchange = Exchange(
            version=found[0], user=user, text=text, conversation=request.headers.get("x-conversation", "")
        )
        self.record(self.missing(exchange, why.message[:200], Fault.REQUEST))

    def route(self, user: str, model: str) -> tuple[LiveVersion, Worker]:
        """Who answers.

        Raises:
            RequestProblem: nobody does.
        """
        if why := self.refuses():
            raise RequestProblem(
                503, f"nothing can be kept now, so nothing is answered: {why}", headers={"retry-after": "1"}
            )
        found = self.fleet.route(user, model=model)
        if found is None:
            raise RequestProblem(503, "no model is live: `afina release` starts one")
        return found

    async def forward(self, request: Request, exchange: Exchange, worker: Worker, body: dict[str, Any]) -> Response:
        """One whole answer. A caller who leaves ends the generation."""
        began = time.monotonic()
        with self.fleet.using(worker):
            try:
                reply = await while_there(request, self.send(worker, body, stream=False))
            except httpx.HTTPError as exc:
                return self.failed(exchange, exc)
            if reply is None:
                self.record(self.missing(exchange, "the caller left", Fault.CLIENT))
                return Response(status_code=499)
        if reply.status_code != httpx.codes.OK:
            return self.refused(exchange, reply.status_code, reply.content)
        upstream_s = time.monotonic() - began
        value = reply.json()
        value["model"] = exchange.version.name
        for choice in value["choices"]:
            clean(choice["message"])
        first = value["choices"][0]["message"]
        answer = first["content"] or (
            json.dumps(first["tool_calls"], ensure_ascii=False) if first.get("tool_calls") else ""
        )
        self.record(exchange.interaction(self.client, answer=answer, usage=value.get("usage")))
        return JSONResponse(value, headers=exchange.headers(upstream_s=upstream_s))

    async def send(self, worker: Worker, body: dict[str, Any], *, stream: bool) -> httpx.Response:
        """Ask a worker; once more where a kept connection turned out to be closed before anything was answered.

        Raises:
            httpx.HTTPError: no answer.
        """
        url = f"{worker.url}/v1/chat/completions"
        if worker.adapters:
            body = {**body, "lora": worker.lora()}
        try:
            return await self.http.send(self.http.build_request("POST", url, json=body), stream=stream)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if not worker.alive():
                raise
            return await self.http.send(self.http.build_request("POST", url, json=body), stream=stream)

    def missing(self, exchange: Exchange, error: str, fault: Fault) -> Interaction:
        """The record of an exchange without an answer."""
        return exchange.interaction(self.client, answer="", usage=None, error=error, fault=fault)

    def failed(self, exchange: Exchange, error: Exception) -> Response:
        """The worker did not answer."""
        self.record(self.missing(exchange, type(error).__name__, Fault.MODEL))
        return problem(502, f"the model worker did not answer ({type(error).__name__})", kind="server_error")

    def refused(self, exchange: Exchange, status: int, content: bytes) -> Response:
        """The worker refused: because of the request, or because it cannot. Only the latter is a failure of the model."""
        text = content.decode("utf-8", errors="replace")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            text = str(json.loads(text)["error"]["message"])
        ours = status >= httpx.codes.INTERNAL_SERVER_ERROR and not any(words in text for words in REQUESTS_FAULT)
        fault = Fault.MODEL if ours else Fault.REQUEST
        self.record(self.missing(exchange, text[:200], fault))
        status = status if ours or status < httpx.codes.INTERNAL_SERVER_ERROR else int(httpx.codes.BAD_REQUEST)
        reply = problem(status, text[:1000], kind="server_error" if ours else "invalid_request_error")
        reply.headers.update(exchange.headers())
        return reply

    async def stream(self, exchange: Exchange, worker: Worker, body: dict[str, Any]) -> Response:
        """Server-sent events as they come. A client that leaves ends the generation; what it saw is recorded."""
        in_use = contextlib.ExitStack()
        in_use.enter_context(self.fleet.using(worker))  # from before the prompt is read until the last event
        began = time.monotonic()
        try:
            reply = await self.send(worker, body, stream=True)
        except httpx.HTTPError as exc:
            in_use.close()
            return self.failed(exchange, exc)
        if reply.status_code != httpx.codes.OK:
            content = await reply.aread()
            await reply.aclose()
            in_use.close()
            return self.refused(exchange, reply.status_code, content)
        return StreamingResponse(
            self.events(exchange, reply, in_use),
            media_type="text/event-stream",
            headers=exchange.headers(upstream_s=time.monotonic() - began),
        )

    async def events(
        self, exchange: Exchange, reply: httpx.Response, in_use: contextlib.ExitStack
    ) -> AsyncIterator[bytes]:
        """The worker's events, passed on; recorded when they end, however they end."""
        reader, recorded = StreamReader(exchange.version.name), False
        error, fault = "the caller left", Fault.CLIENT
        try:
            async for line in reply.aiter_lines():
                shown = reader.shown(line)
                if (
                    reader.finished and not recorded
                ):  # before its last event the caller may believe that nothing is kept
                    recorded = True
                    self.record(exchange.interaction(self.client, answer=reader.answer(), usage=reader.usage))
                yield f"{shown}\n".encode()
            error, fault = "", Fault.NONE
        except httpx.HTTPError as exc:
            error, fault = type(exc).__name__, Fault.MODEL
            gone = {
                "error": {
                    "message": f"the model worker stopped answering ({error})",
                    "type": "server_error",
                    "code": 502,
                }
            }
            yield f"data: {json.dumps(gone)}\n\n".encode()
        finally:
            in_use.close()
            if not recorded:
                answer, usage = reader.answer(), reader.usage
                self.record(exchange.interaction(self.client, answer=answer, usage=usage, error=error, fault=fault))
            with anyio.CancelScope(shield=True):
                await reply.aclose()

    async def opinion(self, request: Request) -> Response:
        """`POST /v1/feedback`."""
        opinion = parsed(Opinion, await read_body(request))
        for feedback in feedback_of(opinion, client=self.client):
            try:
                await self.give(feedback)
            except AfinaError as exc:
                LOG.warning("feedback waits for the database: %s", exc)
                self.save(feedback)
        return JSONResponse({"ok": True})

    async def give(self, feedback: Feedback) -> None:
        """Record feedback, waiting a little for an interaction that is still on its way to the database.

        Raises:
            RequestProblem: there is no such interaction or conversation. AfinaError: the database does not answer.
        """
        deadline = time.monotonic() + FEEDBACK_WAIT_S
        while not await asyncio.get_running_loop().run_in_executor(self.desk, self.feedback, feedback):
            if (feedback.interaction or feedback.conversation) not in self.on_its_way or time.monotonic() > deadline:
                unknown = f"no interaction {feedback.interaction}" if feedback.interaction else "no such conversation"
                raise RequestProblem(404, unknown)
            await asyncio.sleep(0.05)


async def while_there(request: Request, work: Awaitable[httpx.Response]) -> httpx.Response | None:
    """The result of some work, given up when the caller leaves; None then."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(left(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, gone):
            if not one.done():
                one.cancel()
                with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                    await one


async def left(request: Request) -> None:
    """Returns when the caller has left. The body was read to its end."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def clean(message: dict[str, Any]) -> None:
    """Leave of a message what a caller may see: no thinking."""
    message.pop("reasoning_content", None)
    content = message.get("content")
    nothing = None if message.get("tool_calls") else ""  # OpenAI's form of an answer that only calls tools
    message["content"] = strip_thinking(content) if content else nothing


def with_prompt(messages: list[dict[str, Any]], version: LiveVersion) -> list[dict[str, Any]]:
    """The prompt that the version was trained with before messages that bring no system turn: one rendering for training,
    evaluation and serving.
    """
    if not version.prompt or any(message["role"] == "system" for message in messages):
        return messages
    return [{"role": "system", "content": version.prompt}, *messages]


def tighten(body: dict[str, Any]) -> None:
    """Ask for compact JSON where a request brings a schema that does not say how it wants its white space."""
    with contextlib.suppress(KeyError, TypeError, AttributeError):
        body["response_format"]["json_schema"]["schema"].setdefault("x-guidance", COMPACT)


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
