"""The task's own doors: `/v1/answer` for every kind of task, `/v1/classify` for versions whose answers are objects.

The caller sends a message, or a conversation; prompt and schema are those that the version was trained with.
"""

import json
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from afina.chat.parse import read_json
from afina.serve.completion import MAX_MESSAGES, Message
from afina.serve.exchange import Exchange, said
from afina.serve.gateway import Gateway, as_trained, with_prompt
from afina.serve.problems import RequestProblem, parsed, read_body

ANSWER_TOKENS = 1024
"""Longest answer where the caller names no other, tokens."""
OBJECT_TOKENS = 128
"""The same for `/v1/classify`."""


class SaidTurn(BaseModel):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=100_000)


class Asked(BaseModel):
    """Body of `/v1/answer`: a `text`, or `messages` that end with the user's."""

    text: str = Field("", max_length=100_000)
    messages: list[SaidTurn] = Field(default_factory=list, max_length=MAX_MESSAGES)
    user: str = ""
    model: str = ""
    conversation: str = ""
    max_tokens: int = Field(ANSWER_TOKENS, ge=1, le=100_000)


class Classification(BaseModel):
    """Body of `/v1/classify`."""

    text: str = Field(min_length=1, max_length=100_000)
    user: str = ""
    model: str = ""


def add_answers(app: FastAPI, gateway: Gateway) -> None:
    """Add the routes to the application."""

    async def answer(request: Request) -> Response:
        """`POST /v1/answer` → {"answer", "value", "model", "interaction"}; `value` is the answer's structure, if it has one."""
        body = parsed(Asked, await read_body(request))
        if bool(body.text) == bool(body.messages):
            raise RequestProblem(400, "either `text` or `messages` is needed")
        return await give(gateway, request, body)

    async def classify(request: Request) -> Response:
        """`POST /v1/classify` → {"fields", "model", "interaction"}."""
        body = parsed(Classification, await read_body(request))
        version, _ = gateway.route(body.user, body.model)
        if version.schema is None:
            raise RequestProblem(400, f"{version.name} is not a classification model; use /v1/chat/completions")
        asked = Asked(text=body.text, user=body.user, model=body.model, max_tokens=OBJECT_TOKENS)
        reply = await give(gateway, request, asked)
        if reply.status_code != 200:
            return reply
        value = json.loads(bytes(reply.body))
        found = value["value"] if isinstance(value["value"], dict) else {}
        fields = {name: str(found.get(name, "")) for name in version.schema.get("required", found)}
        plain = {"fields": fields, "model": value["model"], "interaction": value["interaction"]}
        own = {name: one for name, one in reply.headers.items() if name.startswith("x-afina")}
        return JSONResponse(plain, headers=own)

    app.add_api_route("/v1/answer", answer, methods=["POST"])
    app.add_api_route("/v1/classify", classify, methods=["POST"])


async def give(gateway: Gateway, request: Request, body: Asked) -> Response:
    """Ask the version as it was trained."""
    version, worker = gateway.route(body.user, body.model)
    turns = body.messages or [SaidTurn(role="user", content=body.text)]
    text, context = said([Message(role=turn.role, content=turn.content) for turn in turns])
    exchange = Exchange(version=version, user=body.user, text=text, context=context, conversation=body.conversation)
    messages = with_prompt([turn.model_dump() for turn in turns], version)
    sent: dict[str, Any] = {
        "messages": await as_trained(messages, version),
        "temperature": 0,
        "max_tokens": body.max_tokens,
    }
    if version.schema is not None:
        form = {"name": "answer", "schema": version.schema}
        sent["response_format"] = {"type": "json_schema", "json_schema": form}
    await gateway.reserve(request, exchange, sent)
    reply = await gateway.forward(request, exchange, worker, sent)
    if reply.status_code != 200:
        return reply
    answer = json.loads(bytes(reply.body))["choices"][0]["message"]["content"] or ""
    value = read_json(answer)
    shown = {
        "answer": answer,
        "value": value if isinstance(value, dict | list) else None,
        "model": version.name,
        "interaction": exchange.id,
    }
    return JSONResponse(shown, headers=exchange.headers())
