"""The gateway as an application: every route, the fleet's start and stop."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from afina.ids import ClientId
from afina.serve.alerts import AlertRules, Alerts
from afina.serve.answers import add_answers
from afina.serve.caller import REQUEST_ID, caller_of
from afina.serve.captured import add_captured
from afina.serve.channels import ChannelOptions, add_channels
from afina.serve.documents import add_documents
from afina.serve.door import Door, Guarded
from afina.serve.exchange import OVERHEAD
from afina.serve.feedback import add_feedback
from afina.serve.gateway import Books, Gateway
from afina.serve.metrics import CONTENT_TYPE
from afina.serve.ollama import add_ollama, in_ollama_form
from afina.serve.openai import add_openai
from afina.serve.problems import RequestProblem, problem
from afina.serve.storable import one_line
from afina.serve.target import Targets
from afina.serve.trainer import TrainerDesk, add_trainer
from afina.serve.training import TrainingDesk, add_training
from afina.serve.watch import Watch
from afina.settings import ReplySettings

LOG = logging.getLogger("afina.serve")
SERVER, WRONG, LIMITED = 500, "invalid_request_error", "rate_limit_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Whose traffic it is where no key says it, how long an answer may take, which other addresses' web pages may call it, what is worth an alert."""

    client: ClientId
    timeout_s: float
    origins: Sequence[str] = ()
    alerts: AlertRules = field(default_factory=AlertRules)
    reply: ReplySettings = field(default_factory=ReplySettings)
    channels: ChannelOptions | None = None
    training: TrainingDesk | None = None
    trainer: TrainerDesk | None = None
    settle: Callable[[], list[str]] | None = None
    """Looks at the canaries and acts; tells what it did."""
    settle_s: float = 60.0


def build_gateway(targets: Targets, options: GatewayOptions, books: Books) -> FastAPI:
    """The application. It starts the fleet and stops it."""
    fleet = targets.fleet
    door = Door(books.keys, news=fleet.news)
    gateway = Gateway(targets, books, timeout_s=options.timeout_s, reply=options.reply)
    alerts = Alerts(options.alerts, gateway.seen)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await door.refresh()
        followers = [asyncio.create_task(one.follow()) for one in (fleet.news, fleet, door, alerts)]
        if options.settle is not None:
            watch = Watch(look=options.settle, alerts=alerts, every_s=options.settle_s)
            followers.append(asyncio.create_task(watch.follow()))
        if channels is not None:
            followers.append(asyncio.create_task(channels.sweep()))
        try:
            yield
        finally:
            for follower in followers:
                follower.cancel()
            if channels is not None:
                await channels.finish()
            desk.close()
            await gateway.close()
            await asyncio.to_thread(fleet.stop)

    app = FastAPI(title="afina", lifespan=lifespan)
    app.state.fleet, app.state.alerts = fleet, alerts
    app.add_middleware(Guarded, door=door)
    if options.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(options.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["x-afina-model", "x-afina-interaction", "x-afina-ignored", OVERHEAD, REQUEST_ID],
        )
    add_problems(app)
    add_openai(app, gateway, client=options.client)
    add_ollama(app, gateway, client=options.client)
    add_captured(app, gateway, client=options.client)
    add_answers(app, gateway, client=options.client)
    add_documents(app, gateway, client=options.client)
    channels = add_channels(app, gateway, options.channels) if options.channels is not None else None
    desk = add_feedback(app, gateway, client=options.client)
    if options.training is not None:
        add_training(app, gateway, options.training, client=options.client)
    if options.trainer is not None:
        add_trainer(app, options.trainer, client=options.client)
    add_health(app, gateway, client=options.client)
    return app


def add_health(app: FastAPI, gateway: Gateway, *, client: ClientId) -> None:
    """Whether anybody answers, and what was seen."""

    async def health() -> Response:
        """200 when a model is live or an upstream is named, 503 otherwise."""
        fleet = gateway.fleet
        alive = sum(worker.alive() for worker in fleet.workers.values())
        ready = (bool(fleet.live) and alive > 0) or bool(gateway.targets.upstreams)
        return JSONResponse(
            {"status": "ok" if ready else "no model", "workers": alive}, status_code=200 if ready else 503
        )

    async def metrics(request: Request) -> Response:
        """Counts since the start, as Prometheus reads them; of all clients, so with keys one of the gateway's own client is needed."""
        if caller_of(request, {}, client=client).client != client:
            raise RequestProblem(403, "this key is another client's: the counts are of all clients")
        return Response(gateway.seen.text(), media_type=CONTENT_TYPE)

    app.add_api_route("/healthz", health, methods=["GET"])
    app.add_api_route("/metrics", metrics, methods=["GET"])


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
        LOG.exception("%s %s", one_line(request.method), one_line(request.url.path), exc_info=exc)
        return shaped(request, problem(500, f"internal error ({type(exc).__name__})", kind="server_error"))
