"""The doors that document 002 names: `/nlu/parse`, `/style/reply`, `/ask`, and the people whose manner a reply keeps to."""

import asyncio
import logging
from dataclasses import replace
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from afina.errors import AfinaError
from afina.ids import ClientId
from afina.serve.answers import ANSWER_TOKENS, Classification, Named, SaidTurn, classified, whose
from afina.serve.caller import MAX_NAME, Caller
from afina.serve.completion import MAX_MESSAGES
from afina.serve.context import Context, Manner, told
from afina.serve.gateway import Answer, Gateway
from afina.serve.people import Person, PersonChange, change_person, read_person
from afina.serve.problems import RequestProblem, body_of, parsed, read_body
from afina.serve.storable import storable

LOG = logging.getLogger("afina.serve")
INTENT = "intent"
MOST_CHUNKS = 32


class Parsed(Classification):
    """Body of `/nlu/parse`."""


class Styled(Named):
    """Body of `/style/reply`. What is left out is the person's own, as it was last set."""

    text: str = Field(min_length=1, max_length=100_000)
    history: list[SaidTurn] = Field(default_factory=list, max_length=MAX_MESSAGES)
    locale: str | None = Field(None, min_length=2, max_length=20)
    intensity: float | None = Field(None, ge=0, le=1)
    tone: Literal["coach", "neutral", "formal"] | None = None
    context: list[str] = Field(default_factory=list, max_length=MOST_CHUNKS)
    user_state: dict[str, Any] = Field(default_factory=dict)
    max_tokens: int = Field(ANSWER_TOKENS, ge=1, le=100_000)


class Free(Named):
    """Body of `/ask`."""

    text: str = Field(min_length=1, max_length=100_000)
    max_tokens: int = Field(ANSWER_TOKENS, ge=1, le=100_000)


def add_documents(app: FastAPI, gateway: Gateway, *, client: ClientId) -> None:
    """Add the routes to the application."""

    async def parse(request: Request) -> Response:
        """What a message wants → {"intent", "slots", "confidence", "interaction"}. The intent is the field of that name, or the first one."""
        body = parsed(Parsed, await read_body(request))
        fields, given = await classified(gateway, whose(request, body, client=client), body)
        intent = INTENT if INTENT in fields else next(iter(fields), "")
        slots = {name: value for name, value in fields.items() if name != intent}
        shown = {"intent": fields.get(intent, ""), "slots": slots, "confidence": given.confidence}
        return JSONResponse({**shown, "interaction": given.exchange.id}, headers=given.headers())

    async def style(request: Request) -> Response:
        """A reply in the person's manner → {"text", "findings", "interaction"}; findings are the rules that it broke or that changed it."""
        body = parsed(Styled, await read_body(request))
        caller = whose(request, body, client=client)
        return replied(await styled(gateway, caller, body))

    async def ask(request: Request) -> Response:
        """A free question → {"text", "findings", "interaction"}."""
        body = parsed(Free, await read_body(request))
        messages = [{"role": "user", "content": body.text}]
        sent = {"model": body.model, "messages": messages, "max_tokens": body.max_tokens}
        return replied(await gateway.answer(whose(request, body, client=client), sent, checked=True))

    async def person(request: Request, user: str) -> Response:
        """How a person wants to be spoken to, and what they allow."""
        found = await person_of(gateway, spoken_for(request, user, client=client))
        return JSONResponse(found.model_dump())

    async def change(request: Request, user: str) -> Response:
        """Change some of it; what is left out stays."""
        body = parsed(PersonChange, await read_body(request))
        found = await changed(gateway, spoken_for(request, user, client=client), body)
        return JSONResponse(found.model_dump())

    app.add_api_route("/nlu/parse", parse, methods=["POST"], openapi_extra=body_of(Parsed))
    app.add_api_route("/style/reply", style, methods=["POST"], openapi_extra=body_of(Styled))
    app.add_api_route("/ask", ask, methods=["POST"], openapi_extra=body_of(Free))
    app.add_api_route("/v1/users/{user}", person, methods=["GET"])
    app.add_api_route("/v1/users/{user}", change, methods=["PATCH"], openapi_extra=body_of(PersonChange))


def spoken_for(request: Request, user: str, *, client: ClientId) -> Caller:
    """Who asks about a person.

    Raises:
        RequestProblem: the key is another person's.
    """
    caller = whose(request, Named(user=user), client=client)
    if caller.user != storable(user)[:MAX_NAME]:
        raise RequestProblem(403, "this key speaks for another person")
    return caller


async def person_of(gateway: Gateway, caller: Caller) -> Person:
    """How the caller's user wants to be spoken to; where nobody knows because the database does not answer, as everybody is by default."""

    def now() -> Person:
        with gateway.books.session(caller.client)() as session:
            return read_person(session, caller.user)

    if not caller.user:
        return Person()
    try:
        return await asyncio.to_thread(now)
    except AfinaError as exc:
        LOG.warning("%s: manner of a person not known: %s", caller.request_id, exc)
        return Person()


async def changed(gateway: Gateway, caller: Caller, change: PersonChange) -> Person:
    """Change how somebody wants to be spoken to.

    Raises:
        RequestProblem: the database does not answer.
    """

    def now() -> Person:
        with gateway.books.session(caller.client)() as session:
            return change_person(session, caller.user, change)

    try:
        return await asyncio.to_thread(now)
    except AfinaError as exc:
        raise RequestProblem(
            503, "nothing was changed: the database does not answer", headers={"retry-after": "5"}
        ) from exc


def replied(given: Answer) -> Response:
    """A reply as these doors give it."""
    shown = {"text": given.text, "findings": list(given.findings), "model": given.exchange.target.name}
    return JSONResponse({**shown, "interaction": given.exchange.id}, headers=given.headers())


async def styled(gateway: Gateway, caller: Caller, body: Styled) -> Answer:
    """Ask with everything that belongs to the reply."""
    own = await person_of(gateway, caller) if None in {body.locale, body.intensity, body.tone} else Person()
    manner = Manner(
        locale=body.locale or own.locale,
        intensity=own.intensity if body.intensity is None else body.intensity,
        tone=body.tone or own.tone,
    )
    context = Context(manner=manner, chunks=body.context, state=body.user_state)
    targets = await gateway.awaited(caller, body.model)
    prompt = gateway.form_of(targets[0], caller.client).prompt if targets else ""
    system = told(gateway.reply, prompt, context)
    turns = [{"role": "system", "content": system}, *(t.model_dump() for t in body.history)]
    messages = [*turns, {"role": "user", "content": body.text}]
    sent = {"model": body.model, "messages": messages, "max_tokens": body.max_tokens}
    told_how = replace(
        caller, facts={**caller.facts, "intensity": f"{manner.intensity:.1f}"}
    )  # curation balances by it
    return await gateway.answer(told_how, sent, checked=True)
