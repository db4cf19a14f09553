"""The gateway as an application: every route, the fleet's start and stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from afina.ids import ClientId
from afina.serve.fleet import Fleet
from afina.serve.gateway import Gateway, Opinion, Record
from afina.serve.ollama import add_ollama


def build_gateway(
    fleet: Fleet, *, client: ClientId, record: Record, feedback: Callable[[Opinion], bool], timeout_s: float
) -> FastAPI:
    """The application. It starts the fleet and stops it."""
    gateway = Gateway(fleet, client=client, record=record, feedback=feedback, timeout_s=timeout_s)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        follower = asyncio.create_task(fleet.follow())
        try:
            yield
        finally:
            follower.cancel()
            await gateway.http.aclose()
            await asyncio.to_thread(fleet.stop)

    app = FastAPI(title="afina", lifespan=lifespan)
    app.state.fleet = fleet
    add_ollama(app, gateway)
    app.add_api_route("/v1/chat/completions", gateway.chat, methods=["POST"])
    app.add_api_route("/v1/classify", gateway.classify, methods=["POST"], response_model=None)
    app.add_api_route("/v1/feedback", gateway.opinion, methods=["POST"], response_model=None)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """Live versions, in OpenAI's form."""
        data = [
            {"id": v.name, "object": "model", "owned_by": "afina", "task": v.task, "canary": v.canary, "share": v.share}
            for v in fleet.live
        ]
        return {"object": "list", "data": data}

    @app.get("/healthz")
    async def health() -> Response:
        """200 when a model is live, 503 otherwise."""
        alive = sum(worker.alive() for worker in fleet.workers.values())
        ready = bool(fleet.live) and alive > 0
        return JSONResponse(
            {"status": "ok" if ready else "no model", "workers": alive}, status_code=200 if ready else 503
        )

    return app
