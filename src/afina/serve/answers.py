"""The task's own doors: `/v1/answer` for every kind of task, `/v1/classify` for versions whose answers are objects.

The caller sends a message, or a conversation; prompt and schema are those that the version was trained with.
"""

from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from afina.chat.parse import read_json
from afina.ids import ClientId
from afina.serve.caller import Caller, caller_of
from afina.serve.completion import MAX_MESSAGES
from afina.serve.gateway import Answer, Gateway
from afina.serve.problems import RequestProblem, body_of, parsed, read_body

ANSWER_TOKENS = 1024
"""Longest answer where the caller names no other, tokens."""
OBJECT_TOKENS = 128
"""The same for `/v1/classify`."""


class SaidTurn(BaseModel):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=100_000)


class Named(BaseModel):
    """What every door of a task takes beside the message: whose it is, and where and about what it was said."""

    model_config = ConfigDict(extra="ignore")
    user: str = ""
    model: str = ""
    conversation: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)


class Asked(Named):
    """Body of `/v1/answer`: a `text`, or `messages` that end with the user's."""

    text: str = Field("", max_length=100_000)
    messages: list[SaidTurn] = Field(default_factory=list, max_length=MAX_MESSAGES)
    max_tokens: int = Field(ANSWER_TOKENS, ge=1, le=100_000)


class Classification(Named):
    """Body of `/v1/classify`."""

    text: str = Field(min_length=1, max_length=100_000)


def add_answers(app: FastAPI, gateway: Gateway, *, client: ClientId) -> None:
    """Add the routes to the application."""

    async def answer(request: Request) -> Response:
        """The task's answer to a message → {"answer", "value", "confidence", "model", "interaction"}; `value` is its structure, if it has one."""
        body = parsed(Asked, await read_body(request))
        if bool(body.text) == bool(body.messages):
            raise RequestProblem(400, "either `text` or `messages` is needed")
        given = await give(gateway, whose(request, body, client=client), body)
        shown = {
            "answer": given.text,
            "value": structure(given),
            "confidence": given.confidence,
            "model": given.exchange.target.name,
            "interaction": given.exchange.id,
        }
        return JSONResponse(shown, headers=given.headers())

    async def classify(request: Request) -> Response:
        """The labels of a message → {"fields", "confidence", "model", "interaction"}."""
        body = parsed(Classification, await read_body(request))
        caller = whose(request, body, client=client)
        fields, given = await classified(gateway, caller, body)
        plain = {
            "fields": fields,
            "confidence": given.confidence,
            "model": given.exchange.target.name,
            "interaction": given.exchange.id,
        }
        return JSONResponse(plain, headers=given.headers())

    app.add_api_route("/v1/answer", answer, methods=["POST"], openapi_extra=body_of(Asked))
    app.add_api_route("/v1/classify", classify, methods=["POST"], openapi_extra=body_of(Classification))


def whose(request: Request, body: Named, *, client: ClientId) -> Caller:
    """Who asks; `conversation` may stand in the body itself."""
    named = {"conversation": body.conversation} if body.conversation else {}
    return caller_of(request, {"user": body.user, "metadata": {**body.metadata, **named}}, client=client)


async def classified(gateway: Gateway, caller: Caller, body: Classification) -> tuple[dict[str, str], Answer]:
    """The fields of a message, and the answer that they stand in.

    Raises:
        RequestProblem: the model that answers has none, or does not answer.
    """
    targets = await gateway.awaited(caller, body.model)
    schema = gateway.form_of(targets[0], caller.client).schema if targets else {}
    if schema is None:
        raise RequestProblem(400, f"{targets[0].name} is not a classification model; use /v1/chat/completions")
    asked = Asked(text=body.text, model=body.model, max_tokens=OBJECT_TOKENS)
    given = await give(gateway, caller, asked)
    found = structure(given)
    values = found if isinstance(found, dict) else {}
    return {name: str(values.get(name, "")) for name in schema.get("required", values)}, given


async def give(gateway: Gateway, caller: Caller, body: Asked) -> Answer:
    """Ask the version as it was trained."""
    turns = body.messages or [SaidTurn(role="user", content=body.text)]
    sent: dict[str, Any] = {
        "model": body.model,
        "messages": [turn.model_dump() for turn in turns],
        "temperature": 0,
        "max_tokens": body.max_tokens,
    }
    return await gateway.answer(caller, sent, as_task=True)


def structure(given: Answer) -> dict[str, Any] | list[Any] | None:
    """The answer's structure, if it has one."""
    value = read_json(given.text)
    return value if isinstance(value, dict | list) else None
