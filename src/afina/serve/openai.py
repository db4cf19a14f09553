"""OpenAI's API: chat completions, embeddings, models."""

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from afina.ids import ClientId
from afina.serve.budget import guessed_tokens
from afina.serve.caller import REQUEST_ID, Caller, caller_of
from afina.serve.completion import Completion, named_for
from afina.serve.exchange import tokens
from afina.serve.gateway import Answer, Gateway, Stream
from afina.serve.problems import RequestProblem, body_of, read_body
from afina.serve.route import LiveVersion
from afina.serve.target import Target
from afina.serve.transport import TargetFailedError

EMBEDDINGS = "/embeddings"
EMBEDDED = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "model": {"type": "string"},
                        "input": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                    },
                    "required": ["input"],
                }
            }
        },
    }
}


def add_openai(app: FastAPI, gateway: Gateway, *, client: ClientId) -> None:
    """Add the routes to the application."""

    async def chat(request: Request) -> Response:
        """A chat completion, whole or streamed. `metadata` may name conversation, channel, product and category, and say other facts."""
        body = await read_body(request)
        return in_openai_form(await gateway.answer(caller_of(request, body, client=client), body))

    async def embeddings(request: Request) -> Response:
        """Embeddings, by the first upstream that has them."""
        body = await read_body(request)
        return JSONResponse(await embedded(gateway, caller_of(request, body, client=client), body))

    async def models(request: Request) -> dict[str, Any]:
        """All live versions and upstreams."""
        whose = caller_of(request, {}, client=client).client
        return {"object": "list", "data": cards(gateway, whose)}

    async def model(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        whose = caller_of(request, {}, client=client).client
        found = next((card for card in cards(gateway, whose) if card["id"] == name), None)
        if found is None:
            raise RequestProblem(404, f"no live model {name[:200]!r}")
        return found

    app.add_api_route("/v1/chat/completions", chat, methods=["POST"], openapi_extra=body_of(Completion))
    app.add_api_route("/v1/embeddings", embeddings, methods=["POST"], openapi_extra=EMBEDDED)
    app.add_api_route("/v1/models", models, methods=["GET"])
    app.add_api_route("/v1/models/{name:path}", model, methods=["GET"])


def in_openai_form(answer: Answer) -> Response:
    """An answer as OpenAI's clients read it."""
    if isinstance(answer, Stream):
        return StreamingResponse(answer.events, media_type="text/event-stream", headers=answer.headers())
    content = json.dumps(answer.value, ensure_ascii=False).encode("utf-8", "replace")  # half characters of a model
    return Response(content, media_type="application/json", headers=answer.headers())


async def embedded(gateway: Gateway, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Vectors of texts; nothing is recorded, because nothing was said.

    Raises:
        RequestProblem: no upstream, or none that answers.
    """
    targets = gateway.targets.behind(str(body.get("model") or ""), client=caller.client)
    if not body.get("input"):
        raise RequestProblem(400, "`input` must be a text or a list of texts")
    if not targets:
        raise RequestProblem(
            501, "embeddings are asked of an upstream, and there is none: `[upstream.NAME]` in afina.toml"
        )
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    asked = {"messages": [{"content": one} for one in given], "max_tokens": 1}
    held = await gateway.reserved(caller, asked)
    used = 0
    try:
        value = await first_embedding(gateway, targets, body)
        used = tokens(value.get("usage"), "prompt_tokens") or guessed_tokens(asked)
        return value
    except TargetFailedError as exc:
        raise RequestProblem(exc.status, exc.message, headers={REQUEST_ID: caller.request_id}) from exc
    finally:
        if held is not None:
            gateway.budget.settle(held, used=used)


async def first_embedding(gateway: Gateway, targets: list[Target], body: dict[str, Any]) -> dict[str, Any]:
    """Of the first upstream that answers.

    Raises:
        TargetFailedError: none does.
    """
    for at, target in enumerate(targets):
        assert target.upstream is not None
        try:
            reply = await gateway.transport.ask(target, EMBEDDINGS, named_for(body, target.upstream))
        except TargetFailedError as exc:
            if not exc.elsewhere or at == len(targets) - 1:
                raise
            continue
        if reply.value is None:
            raise TargetFailedError("the model did not answer with JSON", status=502)
        return reply.value
    raise AssertionError


def cards(gateway: Gateway, client: ClientId) -> list[dict[str, Any]]:
    """Live versions of a client, and upstreams."""
    task = gateway.targets.form(client).task
    live = [model_card(version) for version in gateway.fleet.live if version.client == client]
    return live + [
        {"id": one.name, "object": "model", "created": 0, "owned_by": "upstream", "task": task}
        for one in gateway.targets.upstreams
    ]


def model_card(version: LiveVersion) -> dict[str, Any]:
    """A version in OpenAI's form."""
    return {
        "id": version.name,
        "object": "model",
        "created": version.created,
        "owned_by": "afina",
        "task": version.task,
        "canary": version.canary,
        "share": version.share,
    }
