"""`serve`."""

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import click
import uvicorn

from afina.cli.options import here
from afina.errors import RuntimeFailedError
from afina.serve.door import require_keys
from afina.serve.keys import keys_by_hash
from afina.serve.protocol import BoundedProtocol, allow_files
from afina.texts import t
from afina.tracing import send_traces
from afina.wiring import open_project
from afina.wiring.gateway import project_gateway

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter while others wait. With Python's own 5 ms every call to the network, after which the answering thread has
to get the interpreter back, waited that long for the thread that writes records.
"""


BACKLOG = 2048
"""uvicorn's own."""


@click.command(
    "serve",
    help=t(
        "The OpenAI-compatible gateway: /v1/chat/completions, /v1/answer, /v1/classify, /v1/feedback, /v1/models, /healthz. OLLAMA_MODEL or --model pins one version."
    ),
)
@click.option("--host", help=t("address (default: the setting's)"))
@click.option("--port", type=click.IntRange(0, 65535), help=t("port (default: the setting's); 0 takes a free one"))
@click.option("--model", help=t("answer with this version only"))
@click.option(
    "--upstream",
    "upstreams",
    multiple=True,
    metavar="URL",
    help=t(
        "stand in front of an OpenAI-compatible server, e.g. http://127.0.0.1:11434/v1: it answers what no live version answers, everything is kept; may be given more than once, asked in order"
    ),
)
def serve_command(host: str | None, port: int | None, model: str | None, upstreams: tuple[str, ...]) -> None:
    """Serve."""
    project = open_project(here(), flags=named(upstreams))
    serve = project.settings.serve
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    pinned = model or serve.model
    if pinned:
        project.ledger.version(pinned)
    with project.session() as session:
        require_keys(host or serve.host, has_keys=bool(keys_by_hash(session)))
    listener = listen(host or serve.host, serve.port if port is None else port)
    app, recorder = project_gateway(project, pinned=pinned)
    address = listener.getsockname()
    click.echo(f"http://{address[0]}:{address[1]}", err=False)
    allow_files()
    answer_evenly()
    send_traces(os.environ)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=20, http=BoundedProtocol)
    signal.signal(signal.SIGTERM, end)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        recorder.close()


def answer_evenly() -> None:
    """Keep what all answers share (the event loop, the interpreter) from being held for long."""
    sys.setswitchinterval(SWITCH_S)
    # The modules that were imported are a million objects, which the collector looked through every few thousand requests: 95 ms in which nobody was answered.
    gc.collect()
    gc.freeze()


def named(upstreams: Sequence[str]) -> dict[str, Any]:
    """Addresses as settings: the first is called `upstream`."""
    return {"upstream": {f"upstream{n or ''}": {"url": url} for n, url in enumerate(upstreams)}} if upstreams else {}


def end(_number: int, _frame: FrameType | None) -> None:
    """uvicorn, done with its own shutdown, raises the signal again: without a handler the process would end on the spot, and what
    is not recorded yet would be lost.

    Raises:
        SystemExit: always.
    """
    raise SystemExit(0)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        RuntimeFailedError: the port is taken.
    """
    # The protocol must be named: asyncio turns Nagle's algorithm off (TCP_NODELAY) only on sockets that say they are TCP, and
    # with it on every answer waited 40 ms for the other side's acknowledgement.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # who reads the address may connect at once, and waits until the server takes over
    except OSError as exc:
        listener.close()
        raise RuntimeFailedError(
            f"cannot listen on {host}:{port}: {exc.strerror or exc}", remedy="choose another: --port 0 takes a free one"
        ) from exc
    return listener
