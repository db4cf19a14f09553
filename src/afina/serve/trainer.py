"""Document 002's trainer API: `/finetune/start`, `/finetune/status`, `/eval/run`, `/eval/status`, `/models/rollout`. Keys of the scope trainer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from afina.ids import ClientId
from afina.serve.caller import Caller, caller_of
from afina.serve.problems import RequestProblem, body_of, parsed, read_body
from afina.serve.training import answered

Told = dict[str, Any]


class FinetuneWish(BaseModel):
    """Body of `POST /finetune/start`. `dataset_uri`: what `/dataset/export` told, or the id of a frozen dataset; empty = the newest."""

    model_config = ConfigDict(extra="forbid")
    base_model: str = Field("", max_length=500)
    dataset_uri: str = Field("", max_length=2000)
    notes: str = Field("", max_length=5000)


class EvalWish(BaseModel):
    """Body of `POST /eval/run`. The set is the held-out part of the version's dataset, with safety and forgetting items."""

    model_config = ConfigDict(extra="forbid")
    model_version: str = Field(min_length=1, max_length=200)
    eval_set: str = Field("", max_length=200)


class RolloutWish(BaseModel):
    """Body of `POST /models/rollout`. 0 takes it back, 100 puts it into production, anything between makes it a canary of that share."""

    model_config = ConfigDict(extra="forbid")
    model_version: str = Field(min_length=1, max_length=200)
    traffic_pct: float = Field(ge=0, le=100)
    notes: str = Field("", max_length=2000)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerDesk:
    """What is done for a client; each tells what the API answers. `actor` is who the audit record names."""

    start: Callable[[ClientId, FinetuneWish], Told]
    status: Callable[[ClientId, str], Told]
    evaluate: Callable[[ClientId, EvalWish], Told]
    verdict: Callable[[ClientId, str], Told]
    rollout: Callable[[ClientId, RolloutWish, str], Told]


def add_trainer(app: FastAPI, desk: TrainerDesk, *, client: ClientId) -> None:
    """Add the routes to the application."""

    async def start(request: Request) -> Response:
        """Queue a fine-tuning. What could not work is refused now."""
        wish = parsed(FinetuneWish, await json_body(request))
        own = caller_of(request, {}, client=client)
        return JSONResponse(await answered(lambda: desk.start(own.client, wish)), status_code=202)

    async def status(request: Request) -> Response:
        """How a fine-tuning stands: queued, running, succeeded (with the version that came of it), failed (with the reason)."""
        own = caller_of(request, {}, client=client)
        return JSONResponse(await answered(lambda: desk.status(own.client, named(request, "id"))))

    async def evaluate(request: Request) -> Response:
        """Queue the evaluation of a version."""
        wish = parsed(EvalWish, await json_body(request))
        own = caller_of(request, {}, client=client)
        return JSONResponse(await answered(lambda: desk.evaluate(own.client, wish)), status_code=202)

    async def verdict(request: Request) -> Response:
        """The last verdict about a version: outcome, reason, measures."""
        own = caller_of(request, {}, client=client)
        return JSONResponse(await answered(lambda: desk.verdict(own.client, named(request, "model_version"))))

    async def rollout(request: Request) -> Response:
        """Put a version before a share of the users, or take it back. Without a go from the evaluation it is refused."""
        wish = parsed(RolloutWish, await json_body(request))
        own = caller_of(request, {}, client=client)
        return JSONResponse(await answered(lambda: desk.rollout(own.client, wish, actor_of(own))))

    app.add_api_route("/finetune/start", start, methods=["POST"], openapi_extra=body_of(FinetuneWish))
    app.add_api_route("/finetune/status", status, methods=["GET"], openapi_extra=asks("id"))
    app.add_api_route("/eval/run", evaluate, methods=["POST"], openapi_extra=body_of(EvalWish))
    app.add_api_route("/eval/status", verdict, methods=["GET"], openapi_extra=asks("model_version"))
    app.add_api_route("/models/rollout", rollout, methods=["POST"], openapi_extra=body_of(RolloutWish))


async def json_body(request: Request) -> Told:
    """A body that says that it is JSON: a page of another address may send any other form without being asked, and there may be no keys.

    Raises:
        RequestProblem: it says otherwise, or is none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestProblem(415, "the body must be of the type application/json")
    return await read_body(request)


def asks(name: str) -> Told:
    """A parameter for the OpenAPI document."""
    return {"parameters": [{"name": name, "in": "query", "required": True, "schema": {"type": "string"}}]}


def named(request: Request, name: str) -> str:
    """A parameter that must be there.

    Raises:
        RequestProblem: it is not.
    """
    value = request.query_params.get(name, "")
    if not value:
        raise RequestProblem(400, f"`{name}` is needed, e.g. ?{name}=…")
    return value[:200]


def actor_of(caller: Caller) -> str:
    """Who the audit record names."""
    return f"api/{caller.key.name}" if caller.key is not None else "api"
