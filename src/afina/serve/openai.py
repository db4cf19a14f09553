"""OpenAI's API: chat completions, embeddings, models."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from afina.ids import ClientId
from afina.serve.caller import Caller, caller_of
from afina.serve.completion import Completion
from afina.serve.gateway import Answer, Gateway, Stream
from afina.serve.problems import RequestProblem, body_of, read_body
from afina.serve.route import LiveVersion
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
    return JSONResponse(answer.value, headers=answer.headers())


async def embedded(gateway: Gateway, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Vectors of texts; nothing is recorded, because nothing was said.

    Raises:
        RequestProblem: no upstream, or none that answers.
    """
    targets = gateway.targets.behind(str(body.get("model") or ""))
    if not body.get("input"):
        raise RequestProblem(400, "`input` must be a text or a list of texts")
    if not targets:
        raise RequestProblem(
            501, "embeddings are asked of an upstream, and there is none: `[upstream.NAME]` in afina.toml"
        )
    failed = TargetFailedError("", status=502)
    for target in targets:
        own = target.upstream.model if target.upstream is not None else ""
        try:
            return await gateway.transport.ask_whole(target, EMBEDDINGS, {**body, "model": body.get("model") or own})
        except TargetFailedError as exc:
            failed = exc
            if not exc.elsewhere:
                break
    raise RequestProblem(failed.status, failed.message, headers={"x-request-id": caller.request_id})


def cards(gateway: Gateway, client: ClientId) -> list[dict[str, Any]]:
    """Live versions of a client, and upstreams."""
    live = [model_card(version) for version in gateway.fleet.live if version.client == client]
    return live + [
        {"id": one.name, "object": "model", "created": 0, "owned_by": "upstream", "task": gateway.targets.form.task}
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
