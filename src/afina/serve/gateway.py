"""Answers: `answer(caller, body)` is the one path of every door. It finds who may answer, asks them in turn, and records what became of it.

What is wrong with a request is refused here, before a worker that all callers share sees it.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from afina.ids import ClientId
from afina.records import Fault, Feedback, Interaction
from afina.serve.bodies import as_trained, bound, read_answer, taken_confidence, tightened, told_first
from afina.serve.budget import Budget, OpenSession, guessed_tokens, spent
from afina.serve.caller import Caller
from afina.serve.completion import read_completion, to_upstream, to_worker
from afina.serve.exchange import Exchange, question_of
from afina.serve.keys import Key, Reservation
from afina.serve.metrics import Seen
from afina.serve.problems import RequestProblem
from afina.serve.route import Wanted
from afina.serve.rules import held_to_rules
from afina.serve.storable import one_line, storable
from afina.serve.stream import StreamReader
from afina.serve.target import Target, Targets, TaskForm
from afina.serve.transport import Reply, TargetFailedError, Transport
from afina.settings import ReplySettings
from afina.tracing import span

LOG = logging.getLogger("afina.serve")
Record = Callable[[Interaction | Feedback], None]
Result = TypeVar("Result")
CHAT = "/chat/completions"
RESTART_S = 15.0
"""How long a request waits for its worker to be started again."""
ON_ITS_WAY_S = 60.0
"""How long a record that was handed out may not be in the database yet."""
CAPTURED = "captured"
LEFT = 499
"""nginx's status of a request whose caller left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where a gateway writes and reads: records of what was said, feedback at once, keys, budgets; and whether it may write."""

    record: Record
    feedback: Callable[[Feedback, str], bool]
    """Whether it was recorded; where somebody is named, only of what that person said."""
    keys: Callable[[], dict[str, Key]]
    session: Callable[[ClientId], OpenSession]
    refuses: Callable[[], str] = str
    """Why nothing is answered now, "" while it is: asked before every request."""
    waiting: Callable[[], Mapping[str, float]] = dict
    """Numbers of what is not in the database yet, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer: an OpenAI chat completion, whose it is, and the model's part of the time."""

    value: dict[str, Any]
    exchange: Exchange
    upstream_s: float
    confidence: float | None = None
    """Of an answer that is bound by a schema."""
    findings: Sequence[dict[str, str]] = ()
    """Rules that the model's words broke, of doors that hold them to rules."""

    def headers(self) -> dict[str, str]:
        """Of the reply."""
        return self.exchange.headers(upstream_s=self.upstream_s)

    @property
    def text(self) -> str:
        """The first choice's text, "" where it only calls tools."""
        return storable(str(self.value["choices"][0]["message"].get("content") or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Answer):
    """An answer that comes in pieces: server-sent events."""

    events: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Streaming:
    """A stream while it comes; `in_use` keeps its worker from being stopped."""

    reply: Reply
    reader: StreamReader
    in_use: contextlib.ExitStack


class Gateway:
    """Finds who answers, asks, records."""

    def __init__(self, targets: Targets, books: Books, *, timeout_s: float, reply: ReplySettings) -> None:
        self.targets, self.fleet, self.books, self.reply = targets, targets.fleet, books, reply
        self.budget = Budget(books.session)
        self.transport = Transport(timeout_s=timeout_s)
        self.seen = Seen(books.waiting)
        self.said: dict[tuple[str, str], tuple[float, str]] = {}
        """Interactions and conversations that may still be on their way to the database: since when, and by whom."""

    async def close(self) -> None:
        """Give up connections and threads."""
        await self.transport.close()
        await asyncio.to_thread(self.budget.close)

    async def answer(
        self, caller: Caller, body: dict[str, Any], *, as_task: bool = False, checked: bool = False
    ) -> Answer:
        """Answer a chat completion's body; `as_task`: bound by the schema that the one who answers was trained with; `checked`: held to the rules of
        `[reply]`.

        Raises:
            RequestProblem: something is wrong with it, or nobody answers.
        """
        pledge = Pledge()
        with span("answer", request_id=caller.request_id, client=caller.client):
            try:
                return await self.first_answer(caller, body, pledge, as_task=as_task, checked=checked)
            except WorkerDiedProblem:  # nothing was answered: it is asked once more, when the worker is back
                return await self.first_answer(caller, body, pledge, as_task=as_task, checked=checked)

    async def first_answer(
        self, caller: Caller, body: dict[str, Any], pledge: "Pledge", *, as_task: bool, checked: bool
    ) -> Answer:
        """The same: of the first target that gives one.

        Raises:
            RequestProblem: see above. WorkerDiedProblem: the last one's worker died.
        """
        model = str(body.get("model") or "")
        await self.awaited(caller, model)
        targets = self.whom(caller.wants(model))
        question = question_of(body)
        exchange = Exchange(caller=caller, question=question, target=targets[0], began=caller.began)
        for at, target in enumerate(targets):
            last = at == len(targets) - 1
            exchange = exchange.to(target) if at else exchange
            try:
                exchange, sent = await self.made_ready(exchange, body, as_task=as_task)
                if not pledge.made:
                    pledge.held, pledge.made = await self.reserved(caller, sent), True
                with span("ask", request_id=caller.request_id, target=target.name, interaction=exchange.id):
                    return await self.asked(exchange, sent, pledge.held, checked=checked)
            except TargetFailedError as exc:
                died = exc.fault is Fault.MODEL and await has_died(target)
                ends = (last or not exc.elsewhere) and not (died and pledge.again())
                self.keep(exchange.missing(exc.message[:200], exc.fault), pledge.held if ends else None)
                if exc.fault is Fault.MODEL:
                    self.targets.failed(target)
                if last or not exc.elsewhere:
                    raise problem_of(exc, exchange, RequestProblem if ends else WorkerDiedProblem) from exc
                LOG.warning(
                    "%s: %s failed, the next one is asked: %s",
                    caller.request_id,
                    one_line(target.name),
                    one_line(exc.message),
                )
            except RequestProblem:
                raise
            except BaseException as exc:  # the end of this process, or something of the model's that nobody foresaw
                if (caller.client, exchange.id) not in self.said:
                    fault = Fault.CLIENT if isinstance(exc, asyncio.CancelledError) else Fault.MODEL
                    self.keep(exchange.missing(type(exc).__name__, fault), pledge.held)
                raise
        raise AssertionError

    async def awaited(self, caller: Caller, model: str) -> list[Target]:
        """Who may answer; where the only ones have lost their worker, they are waited for."""
        wanted = caller.wants(model)
        if not self.targets.of(wanted):
            await self.fleet.back(wanted, within_s=RESTART_S)
        return self.targets.of(wanted)

    def whom(self, wanted: Wanted) -> list[Target]:
        """Who may answer.

        Raises:
            RequestProblem: nobody, or nothing may be answered now.
        """
        if why := self.books.refuses():
            raise RequestProblem(
                503, f"nothing can be kept now, so nothing is answered: {why}", headers={"retry-after": "1"}
            )
        targets = self.targets.of(wanted)
        if not targets:
            raise RequestProblem(
                503, "no model is live: `afina release` starts one, `afina serve --upstream URL` asks another server"
            )
        return targets

    def form_of(self, target: Target, client: ClientId) -> TaskForm:
        """How a target is told the client's task, and what binds its answers."""
        version = target.version
        return self.targets.form(client) if version is None else TaskForm(version.task, version.prompt, version.schema)

    async def made_ready(
        self, exchange: Exchange, body: dict[str, Any], *, as_task: bool
    ) -> tuple[Exchange, dict[str, Any]]:
        """The body that a target gets. A version gets what it was trained to read; an upstream what the caller sent.

        Raises:
            RequestProblem: it is malformed. TargetFailedError: this target cannot read it, others may.
        """
        target = exchange.target
        if target.upstream is not None:
            form = self.targets.form(exchange.caller.client)
            told = {**body, "messages": told_first(body.get("messages"), form.prompt)} if as_task else body
            return exchange, to_upstream(bound(told, form.schema) if as_task else told, target.upstream)
        assert target.version is not None
        try:
            completion, ignored = read_completion(bound(body, target.version.schema) if as_task else body)
        except RequestProblem as exc:
            if self.targets.upstreams:
                raise TargetFailedError(exc.message, status=exc.status, fault=Fault.REQUEST) from exc
            self.keep(exchange.missing(exc.message[:200], Fault.REQUEST), None)
            raise
        sent = tightened(to_worker(completion))
        sent["messages"] = await as_trained(told_first(sent["messages"], target.version.prompt), target.version)
        if target.worker is not None and target.worker.adapters:
            sent["lora"] = target.worker.lora()
        return exchange.ignoring(ignored), sent

    async def reserved(self, caller: Caller, sent: dict[str, Any]) -> Reservation | None:
        """What is set aside of the key's budget.

        Raises:
            RequestProblem: it has not enough left.
        """
        if caller.key is None or not caller.key.limits.any:
            return None
        return await self.budget.reserve(caller.key, guessed_tokens(sent))

    async def asked(
        self, exchange: Exchange, sent: dict[str, Any], held: Reservation | None, *, checked: bool
    ) -> Answer:
        """Ask one target.

        Raises:
            TargetFailedError: it does not answer. RequestProblem: the caller left.
        """
        in_use = contextlib.ExitStack()
        if exchange.target.worker is not None:
            in_use.enter_context(self.fleet.using(exchange.target.worker))  # until the last event
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(in_use.close)
            began = time.monotonic()
            reply = await self.while_there(exchange, held, self.transport.ask(exchange.target, CHAT, sent))
            took = time.monotonic() - began
            if reply.value is None:
                on_failure.pop_all()
                reader = StreamReader(exchange.target, hides_usage=not exchange.question.asks_usage)
                events = self.events(exchange, Streaming(reply, reader, in_use), held)
                await anext(events)  # begun, its end is recorded even where the caller leaves before the first event
                return Stream(value={}, exchange=exchange, upstream_s=took, events=events)
        value = reply.value
        answer = read_answer(value, exchange.target)
        asks_confidence = sent.get("logprobs") and not exchange.question.asks_logprobs
        confidence = taken_confidence(value, exchange.target) if asks_confidence else None
        found: Sequence[dict[str, str]] = ()
        if checked:
            answer, found = held_to_rules(answer, self.reply)
            value["choices"][0]["message"]["content"] = answer
            exchange = exchange.finding(found)
        self.keep(exchange.interaction(answer=answer, usage=value.get("usage"), confidence=confidence), held)
        return Answer(value=value, exchange=exchange, upstream_s=took, confidence=confidence, findings=found)

    async def while_there(self, exchange: Exchange, held: Reservation | None, asking: Awaitable[Result]) -> Result:
        """What is asked, while the caller waits for it: the model stops writing when nobody reads.

        Raises:
            RequestProblem: the caller left.
        """
        left = exchange.caller.left
        if left is None:
            return await asking
        task, leaving = asyncio.ensure_future(asking), asyncio.ensure_future(left())
        try:
            await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            leaving.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        self.keep(exchange.missing("the caller left", Fault.CLIENT), held)
        raise RequestProblem(LEFT, "the caller left")

    async def events(
        self, exchange: Exchange, streaming: "Streaming", held: Reservation | None
    ) -> AsyncIterator[bytes]:
        """The target's events, passed on; recorded when they end, however they end. A caller who leaves ends the generation."""
        reader, recorded = streaming.reader, False
        error, fault = "the caller left", Fault.CLIENT
        try:
            yield b""
            async for line in streaming.reply.lines():
                shown = reader.shown(line)
                # Before its last event the caller may believe that nothing is kept.
                if reader.finished and not recorded and not reader.error:
                    self.keep(exchange.interaction(answer=reader.answer(), usage=reader.counted()), held)
                    recorded = True
                yield f"{shown}\n".encode()
            error = reader.error or ("" if reader.complete else "the stream broke off")
            fault = Fault.MODEL if error else Fault.NONE
        except TargetFailedError as exc:
            error, fault = exc.message, Fault.MODEL
            gone = {"error": {"message": f"the model stopped answering ({error})", "type": "server_error", "code": 502}}
            yield f"data: {json.dumps(gone)}\n\n".encode()
        finally:
            streaming.in_use.close()
            if not recorded:
                answer, usage = reader.answer(), reader.counted()
                self.keep(exchange.interaction(answer=answer, usage=usage, error=error, fault=fault), held)
            streaming.reply.close()

    def keep(self, interaction: Interaction, held: Reservation | None) -> None:
        """Hand a record out, remember that it may be on its way for a while, and settle what was set aside for it."""
        now = time.monotonic()
        while self.said and now - self.said[oldest := next(iter(self.said))][0] > ON_ITS_WAY_S:
            del self.said[oldest]
        for name in filter(None, (interaction.id, interaction.conversation)):
            self.said.pop((interaction.client, name), None)
            self.said[interaction.client, name] = (now, interaction.user)
        try:
            self.books.record(interaction)
            if interaction.source != CAPTURED:  # what was captured elsewhere says nothing of this gateway
                self.seen.count(interaction)
        finally:
            if held is not None:
                self.budget.settle(held, used=spent(interaction))


@dataclass(slots=True)
class Pledge:
    """What one request has set aside of its key's budget, once, and whether it may be asked once more: what kills two workers kills a third."""

    held: Reservation | None = None
    made: bool = False
    tried: bool = False

    def again(self) -> bool:
        """Whether it may; the second time it may not."""
        self.tried, before = True, self.tried
        return not before


class WorkerDiedProblem(RequestProblem):
    """The worker ended under the request."""


async def has_died(target: Target) -> bool:
    """Whether a target's worker has ended. Its connections close a moment before its process is gone."""
    if target.worker is None:
        return False
    await asyncio.sleep(0.02)
    return not target.worker.alive()


def problem_of(failed: TargetFailedError, exchange: Exchange, kind: type[RequestProblem]) -> RequestProblem:
    """What the caller is told when nobody else is left to ask."""
    wait = {"retry-after": f"{max(1, round(failed.wait_s))}"} if failed.wait_s is not None else {}
    return kind(failed.status, failed.message, headers={**exchange.headers(), **wait})
