"""The gateway as an application: every route, the fleet's start and stop."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from afina.ids import ClientId
from afina.serve.answers import add_answers
from afina.serve.budget import Budget
from afina.serve.door import Door, Guarded
from afina.serve.exchange import OVERHEAD
from afina.serve.fleet import Fleet
from afina.serve.gateway import Books, Gateway
from afina.serve.ollama import add_ollama, in_ollama_form
from afina.serve.problems import RequestProblem, problem
from afina.serve.route import LiveVersion

LOG = logging.getLogger("afina.serve")
SERVER, WRONG, LIMITED = 500, "invalid_request_error", "rate_limit_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Whose traffic it is, how long an answer may take, and which web pages of other addresses may call it."""

    client: ClientId
    timeout_s: float
    origins: Sequence[str] = ()


def build_gateway(fleet: Fleet, options: GatewayOptions, books: Books) -> FastAPI:
    """The application. It starts the fleet and stops it."""
    door, budget = Door(books.keys), Budget(books.session)
    gateway = Gateway(fleet, books, budget, client=options.client, timeout_s=options.timeout_s)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await door.refresh()
        followers = [asyncio.create_task(fleet.follow()), asyncio.create_task(door.follow())]
        try:
            yield
        finally:
            for follower in followers:
                follower.cancel()
            await gateway.close()
            await asyncio.to_thread(budget.close)
            await asyncio.to_thread(fleet.stop)

    app = FastAPI(title="afina", lifespan=lifespan)
    app.state.fleet = fleet
    app.add_middleware(Guarded, door=door)
    if options.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(options.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["x-afina-model", "x-afina-interaction", "x-afina-ignored", OVERHEAD],
        )
    add_problems(app)
    add_ollama(app, gateway)
    add_answers(app, gateway)
    app.add_api_route("/v1/chat/completions", gateway.chat, methods=["POST"])
    app.add_api_route("/v1/feedback", gateway.opinion, methods=["POST"])
    add_models(app, fleet)
    return app


def add_models(app: FastAPI, fleet: Fleet) -> None:
    """What is live, in OpenAI's form, and whether anything is."""

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """All live versions."""
        return {"object": "list", "data": [model_card(version) for version in fleet.live]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        """One of them."""
        found = next((version for version in fleet.live if version.name == name), None)
        if found is None:
            raise RequestProblem(404, f"no live model {name[:200]!r}")
        return model_card(found)

    @app.get("/healthz")
    async def health() -> Response:
        """200 when a model is live, 503 otherwise."""
        alive = sum(worker.alive() for worker in fleet.workers.values())
        ready = bool(fleet.live) and alive > 0
        return JSONResponse(
            {"status": "ok" if ready else "no model", "workers": alive}, status_code=200 if ready else 503
        )


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


def add_problems(app: FastAPI) -> None:
    """Every error in OpenAI's form; under /api/ in Ollama's, which is a plain text."""

    def shaped(request: Request, reply: JSONResponse) -> Response:
        return in_ollama_form(reply) if request.url.path.startswith("/api/") else reply

    @app.exception_handler(RequestProblem)
    async def refused(request: Request, exc: RequestProblem) -> Response:
        """What is wrong with the request."""
        kind = "server_error" if exc.status >= SERVER else LIMITED if exc.status == 429 else WRONG
        reply = shaped(request, problem(exc.status, exc.message, kind=kind))
        reply.headers.update(exc.headers)
        return reply

    @app.exception_handler(HTTPException)
    async def http(request: Request, exc: HTTPException) -> Response:
        """No such path, no such method."""
        return shaped(request, problem(exc.status_code, str(exc.detail)))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, exc: Exception) -> Response:
        """A fault of ours."""
        LOG.exception("%s %s", request.method, request.url.path, exc_info=exc)
        return shaped(request, problem(500, f"internal error ({type(exc).__name__})", kind="server_error"))
