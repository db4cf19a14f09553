"""`POST /v1/interactions`: what somebody else answered, brought by a bot that has a model of its own (document 003, `captureInteraction`)."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from afina.ids import ClientId, InteractionId, new_id
from afina.records import Interaction, Turn
from afina.serve.answers import SaidTurn
from afina.serve.caller import MAX_NAME, Caller, caller_of
from afina.serve.completion import MAX_MESSAGES
from afina.serve.gateway import Gateway
from afina.serve.problems import RequestProblem, body_of, parsed, read_body
from afina.serve.storable import storable

SOURCE = "captured"
REMEMBERED = 10_000
"""Ids of callers' own of which the interaction is remembered: one that is sent again gets the same answer."""


class Captured(BaseModel):
    """Body of `/v1/interactions`: a message and the answer it got. With an `id` of the caller's own it is recorded once, however often it is sent."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field("", max_length=MAX_NAME)
    text: str = Field(min_length=1, max_length=100_000)
    answer: str = Field(min_length=1, max_length=100_000)
    history: list[SaidTurn] = Field(default_factory=list, max_length=MAX_MESSAGES)
    user: str = Field("", max_length=MAX_NAME)
    conversation: str = Field("", max_length=MAX_NAME)
    served_by: str = Field("", max_length=MAX_NAME)
    latency_ms: float | None = Field(None, ge=0, le=1e9)
    tokens_in: int | None = Field(None, ge=0, lt=2**31)
    tokens_out: int | None = Field(None, ge=0, lt=2**31)
    metadata: dict[str, Any] = Field(default_factory=dict)


def add_captured(app: FastAPI, gateway: Gateway, *, client: ClientId) -> None:
    """Add the route to the application."""
    known_ids: dict[tuple[str, str], InteractionId] = {}

    async def capture(request: Request) -> Response:
        """Record an answer that was given elsewhere → {"interaction"}, which feedback may refer to. `metadata` is as for chat completions."""
        body = parsed(Captured, await read_body(request))
        if why := gateway.books.refuses():
            raise RequestProblem(503, f"nothing can be kept now: {why}", headers={"retry-after": "1"})
        named = {"conversation": body.conversation} if body.conversation else {}
        caller = caller_of(request, {"user": body.user, "metadata": {**body.metadata, **named}}, client=client)
        interaction = interaction_of(body, caller, task=gateway.targets.form(caller.client).task)
        known = known_ids.setdefault((caller.client, body.id), interaction.id) if body.id else interaction.id
        while len(known_ids) > REMEMBERED:
            del known_ids[next(iter(known_ids))]
        if known == interaction.id:
            gateway.keep(interaction, None)
        return JSONResponse({"interaction": known}, headers={"x-request-id": caller.request_id})

    app.add_api_route("/v1/interactions", capture, methods=["POST"], openapi_extra=body_of(Captured))


def interaction_of(body: Captured, caller: Caller, *, task: str) -> Interaction:
    """As it is recorded."""
    identity = InteractionId(new_id("int"))
    return Interaction(
        id=identity,
        client=caller.client,
        user=caller.user,
        conversation=caller.conversation,
        text=storable(body.text),
        context=tuple(Turn(turn.role, storable(turn.content)) for turn in body.history),
        answer=storable(body.answer),
        facts=dict(caller.facts),
        task=task,
        source=SOURCE,
        external_id=storable(body.id) or identity,
        latency_ms=body.latency_ms,
        tokens_in=body.tokens_in,
        tokens_out=body.tokens_out,
        request_id=caller.request_id,
        served_by=storable(body.served_by),
        channel=caller.channel,
        product=caller.product,
        category=caller.category,
    )
