"""`POST /webhooks/{channel}/{client}`: messages of Telegram, WhatsApp, any program's webhook and the web chat → answers.

A message is taken into the inbox and the platform hears 200 at once; the answer follows. A process that is killed between the two leaves the message
in the inbox, where a gateway finds it; the same message that comes again is the same row.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from afina.channels import KINDS, Access, Arrived, Channel, Event, Incoming, Outgoing, parts
from afina.errors import AfinaError
from afina.ids import ClientId
from afina.serve.caller import Caller
from afina.serve.context import Context, told
from afina.serve.gateway import Answer, Gateway
from afina.serve.inbox import Offer, answer_of, begin, claim_left, history, note_events, products, settle, take_in
from afina.serve.problems import RequestProblem
from afina.serve.storable import one_line

LOG = logging.getLogger("afina.serve")
SWEEP_S, SEND_TIMEOUT_S = 10.0, 20.0
SEND_ATTEMPTS = 3
FINISH_S = 10.0
MOST_AT_ONCE, MOST_WAITING = 16, 2000
"""Messages that are answered at a time, and that may wait for their turn."""
MAX_TEXT = 8000
"""Longest message that is read, characters; platforms allow half of it."""
REMEMBERED = 5000
MAX_BODY = 1_000_000
ANSWER_TOKENS = 300
IMMEDIATE = frozenset({"webhook", "web"})
"""Channels whose response is the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOptions:
    """Whose channels they are, what each needs, what seals the inbox, and the pseudonym of a person of a client."""

    clients: Sequence[ClientId]
    access: Callable[[str, ClientId], Access | None]
    """None = this channel is not set up for this client."""
    seal: AESGCM
    pseudonym: Callable[[ClientId, str], str]
    cannot_read: str = ""
    """Sent where a message has no words; "" = nothing is."""


@dataclass(frozen=True, slots=True)
class Case:
    """A message that is to be answered: of which channel and client, and the name it is kept under, which says nothing of who sent it."""

    kind: Channel
    client: ClientId
    name: str
    message: Incoming


@dataclass(slots=True)
class Desk:
    """The channels of a gateway at work."""

    gateway: Gateway
    options: ChannelOptions
    at_work: set[asyncio.Task[Any]] = field(default_factory=set)
    replies: dict[tuple[str, str], "asyncio.Task[str]"] = field(default_factory=dict)
    """Replies that are on their way, by client and name: the same message that comes again meanwhile waits for the same one."""
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    """The last replies: the database has them a moment later."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def in_database(self, client: ClientId, act: Callable[[Any], Any]) -> Any:
        """Do something in one transaction of a client, off the event loop."""

        def now() -> Any:
            with self.gateway.books.session(client)() as session:
                return act(session)

        return await asyncio.to_thread(now)

    def known(self, channel: str, client: str) -> tuple[Channel, ClientId, Access]:
        """Who is meant, and what is needed.

        Raises:
            RequestProblem: there is no such channel or client, or it is not set up.
        """
        kind = KINDS.get(channel)
        if kind is None or client not in self.options.clients:
            raise RequestProblem(404, f"no channel {one_line(channel)!r} of {one_line(client)!r}")
        access = self.options.access(channel, ClientId(client))
        if access is None:
            raise RequestProblem(403, f"the channel {channel} is not set up: [channel.{channel}] with a secret_env")
        return kind, ClientId(client), access

    def case(self, kind: Channel, client: ClientId, one: Incoming) -> Case:
        """A message under its name. Ids of programs and pages are only their sender's own."""
        own = f"{one.user}:{one.conversation}:" if kind.name in IMMEDIATE else ""
        short = replace(one, text=one.text[:MAX_TEXT])
        return Case(kind, client, self.options.pseudonym(client, f"{kind.name}:message:{own}{one.id}"), short)

    def unnamed(self, kind: Channel, client: ClientId, event: Event) -> Event:
        """An event whose ids say nothing of a person: those of platforms hold phone numbers and accounts."""

        def hidden(value: str) -> str:
            return self.options.pseudonym(client, f"{kind.name}:message:{value}")

        detail = {name: hidden(str(v)) if name in {"message", "of"} and v else v for name, v in event.detail.items()}
        return Event(id=hidden(event.id), kind=event.kind, detail=detail)

    async def arrive(self, kind: Channel, client: ClientId, arrived: Arrived) -> dict[str, Any]:
        """Keep what came in; answer what is new.

        Raises:
            RequestProblem: more waits than can be answered, or (channels whose response is the reply) there is no message, or nobody answers.
        """
        if len(self.at_work) >= MOST_WAITING:
            raise RequestProblem(429, "too many messages wait for an answer", headers={"retry-after": "5"})
        silent = [one for one in arrived.messages if not one.has_text]
        events = [self.unnamed(kind, client, one) for one in [*arrived.events, *map(unread, silent)]]
        cases = [self.case(kind, client, one) for one in arrived.messages if one.has_text]

        def keep(session: Any) -> list[Case]:
            note_events(session, kind.name, events)
            return [c for c in cases if take_in(session, kind.name, c.name, c.message, self.options.seal)]

        fresh: list[Case] = await self.in_database(client, keep)
        if kind.name in IMMEDIATE:
            if not cases:
                raise RequestProblem(422, 'a message has "id", "user" and "text"')
            return {"id": cases[0].message.id, "text": await asyncio.shield(self.reply(cases[0]))}
        for case in fresh:
            self.reply(case)
        for one in silent if self.options.cannot_read else ():
            self.run(self.tell(kind, client, one))
        return {"taken": len(fresh), "known": len(cases) - len(fresh), "events": len(events)}

    async def tell(self, kind: Channel, client: ClientId, one: Incoming) -> None:
        """Say that a message without words cannot be read."""
        try:
            await self.send(kind, client, one, self.options.cannot_read)
        except RequestProblem as exc:
            LOG.warning("%s: %s", kind.name, one_line(exc.message))

    def run(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something behind the reply's back."""
        task = asyncio.create_task(work)
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)
        return task

    def reply(self, case: Case) -> "asyncio.Task[str]":
        """The reply to a message, on its way: a message has one."""
        key = (case.client, case.name)
        if key not in self.replies:
            task = self.run(self.handle(case))
            task.add_done_callback(lambda _: self.replies.pop(key, None))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is in the log
            self.replies[key] = task
        return self.replies[key]

    async def handle(self, case: Case) -> str:
        """Answer and send; what fails stays in the inbox with its reason and is tried again.

        Raises:
            RequestProblem: nobody answers, or the platform does not take the reply.
        """
        kind, client, name = case.kind, case.client, case.name
        async with self.turns:
            try:
                text = self.said.get((client, name)) or await self.in_database(
                    client, lambda s: answer_of(s, kind.name, name)
                )
                if not text:
                    await self.in_database(client, lambda session: begin(session, kind.name, name))
                    text = (await self.answer(case)).text
                    self.remember((client, name), text)
                    await self.send(kind, client, case.message, text)
                await self.in_database(client, lambda session: settle(session, kind.name, name))
                return str(text)
            except asyncio.CancelledError:
                raise
            except Exception as exc:
                await self.give_up(case, exc)
                raise exc if isinstance(exc, RequestProblem) else RequestProblem(503, "no answer now") from exc

    async def give_up(self, case: Case, exc: Exception) -> None:
        """Note why a message is not answered."""
        why = exc.message if isinstance(exc, RequestProblem) else type(exc).__name__
        if not isinstance(exc, RequestProblem | AfinaError):
            LOG.exception("%s, message %s is not answered", case.kind.name, case.name)
        LOG.warning("%s, message %s is not answered: %s", case.kind.name, case.name, one_line(why))
        try:
            await self.in_database(case.client, lambda session: settle(session, case.kind.name, case.name, why or "?"))
        except AfinaError as problem:
            LOG.warning("%s, message %s is not settled: %s", case.kind.name, case.name, problem)

    def remember(self, key: tuple[str, str], text: str) -> None:
        """Keep a reply for a while."""
        self.said[key] = text
        while len(self.said) > REMEMBERED:
            del self.said[next(iter(self.said))]

    async def answer(self, case: Case) -> Answer:
        """Ask, with what was said before and what of the catalogue is named.

        Raises:
            RequestProblem: nobody answers.
        """
        client, one, channel = case.client, case.message, case.kind.name
        who = self.options.pseudonym(client, f"{channel}:{one.user}")
        where = self.options.pseudonym(client, f"{channel}:{one.conversation}")
        before, found = await self.in_database(client, lambda s: (history(s, where), products(s, one.text)))
        named: Offer | None = next((product for product in found if product.named), None)
        facts = {**one.facts, "kind": one.kind, **({"product_name": named.name} if named else {})}
        caller = Caller(
            client=client,
            user=who,
            conversation=where,
            channel=channel,
            message=case.name,
            product=named.id if named else "",
            facts=facts,
        )
        targets = await self.gateway.awaited(caller, "")
        prompt = self.gateway.form_of(targets[0], client).prompt if targets else ""
        system = told(self.gateway.reply, prompt, Context(chunks=[product.told() for product in found]))
        messages = [{"role": "system", "content": system}, *before, {"role": "user", "content": one.text}]
        return await self.gateway.answer(caller, {"messages": messages, "max_tokens": ANSWER_TOKENS}, checked=True)

    async def send(self, channel: Channel, client: ClientId, one: Incoming, text: str) -> None:
        """Send a reply in as many pieces as it needs.

        Raises:
            RequestProblem: the platform does not take it.
        """
        access = self.options.access(channel.name, client)
        if access is None or not (access.token or access.url) or channel.name == "web" or not text:
            return
        timeout = aiohttp.ClientTimeout(total=SEND_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            for piece in parts(text):
                await sent(session, channel.send(one, piece, access))

    async def finish(self) -> None:
        """Wait a while for answers that are on their way; what is not done by then waits in the inbox."""
        if self.at_work:
            await asyncio.wait(self.at_work, timeout=FINISH_S)

    def claim(self, client: ClientId) -> Callable[[Any], list[tuple[str, str, Incoming]]]:
        """Takes over what nobody answers, but for what this process has at hand."""
        busy = [name for whose, name in self.replies if whose == client]
        return lambda session: claim_left(session, self.options.seal, busy=busy)

    async def sweep(self) -> None:
        """For ever: answer what another process left, or what failed."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for client in self.options.clients:
                try:
                    left = await self.in_database(client, self.claim(client))
                    for channel, name, one in left:
                        if channel in KINDS:
                            self.reply(Case(KINDS[channel], client, name, one))
                except Exception as exc:
                    LOG.warning("the inbox is not read: %s", exc)


async def sent(session: aiohttp.ClientSession, out: Outgoing) -> None:
    """Post one request, again where the platform is busy.

    Raises:
        RequestProblem: it is refused, or was busy each time.
    """
    why = ""
    for attempt in range(SEND_ATTEMPTS):
        try:
            async with session.post(out.url, json=out.body, headers=dict(out.headers)) as reply:
                if reply.status < 400:
                    return
                why = f"{reply.status} {(await reply.text())[:200]}"
                if reply.status < 500 and reply.status != 429:
                    break
        except (aiohttp.ClientError, TimeoutError) as exc:
            why = f"{type(exc).__name__}"
        await asyncio.sleep(0.5 * 2**attempt)
    raise RequestProblem(502, f"the reply was not taken: {why}")


def add_channels(app: FastAPI, gateway: Gateway, options: ChannelOptions) -> Desk:
    """Add the routes to the application; `Desk.sweep` is to run beside it."""
    desk = Desk(gateway, options)

    async def arrive(request: Request, channel: str, client: str) -> Response:
        """What a platform sends, signed with the channel's secret → {"taken", "known", "events"}; of `webhook` and `web` the reply."""
        kind, whose, access = desk.known(channel, client)
        raw = await raw_body(request)
        if (access.secret or kind.name == "web") and not kind.is_signed(raw, request.headers, access):
            raise RequestProblem(403, "the signature is not right")
        return JSONResponse(await desk.arrive(kind, whose, kind.read(json_of(raw))))

    async def confirm(request: Request, channel: str, client: str) -> Response:
        """WhatsApp asks once whether an address is ours: its challenge goes back where the word is right."""
        _, _, access = desk.known(channel, client)
        asked = request.query_params
        if asked.get("hub.mode") == "subscribe" and access.verify and asked.get("hub.verify_token") == access.verify:
            return PlainTextResponse(asked.get("hub.challenge", ""))
        raise RequestProblem(403, "the verify token is not right")

    async def page(client: str) -> Response:
        """The web chat."""
        desk.known("web", client)
        return HTMLResponse(
            resources.files("afina.channels.web").joinpath("page.html").read_text("utf-8"),
            headers={"cache-control": "no-cache", "content-security-policy": "frame-ancestors *"},
        )

    app.add_api_route("/webhooks/{channel}/{client}", arrive, methods=["POST"])
    app.add_api_route("/webhooks/{channel}/{client}", confirm, methods=["GET"])
    app.add_api_route("/chat/{client}", page, methods=["GET"])
    return desk


def unread(one: Incoming) -> Event:
    """A message without words, as it is recorded."""
    return Event(id=f"message:{one.id}", kind="media", detail={"type": one.kind, **one.facts})


async def raw_body(request: Request) -> bytes:
    """The body as it was sent: signatures are of its bytes.

    Raises:
        RequestProblem: it is larger than a platform sends.
    """
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > MAX_BODY:
            raise RequestProblem(413, f"more than {MAX_BODY} bytes")
    return bytes(found)


def json_of(raw: bytes) -> Any:
    """The body as JSON.

    Raises:
        RequestProblem: it is none.
    """
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise RequestProblem(400, f"the body is no JSON: {type(exc).__name__}") from exc


def access_of(one: Mapping[str, str], environment: Mapping[str, str]) -> Access:
    """Secrets by the names of their variables."""
    named = {name: environment.get(one.get(f"{name}_env", ""), "") for name in ("secret", "verify", "token")}
    return replace(Access(**named), url=one.get("url", "").rstrip("/"), sender=one.get("sender", ""))
