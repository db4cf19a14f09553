"""Gateways in front of stand-ins."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from afina.flows.project import Project
from afina.serve.protocol import BoundedProtocol
from afina.settings import Settings
from afina.tasks import make_task
from afina.wiring.gateway import project_gateway
from tests.integration.serve.standin import Server, completion, started

Opened = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture
def there() -> Iterator[Server]:
    """One server."""
    with started(Server()) as server:
        yield server


@pytest.fixture
def other() -> Iterator[Server]:
    """Another one, behind it."""
    with started(Server([completion("De la otra.")])) as server:
        yield server


@pytest.fixture
def opened(project: Project) -> Opened:
    """Opens the project's gateway with upstreams, and other sections of settings."""

    @contextmanager
    def gateway(sections: dict[str, Any] | None = None, **upstreams: dict[str, Any]) -> Iterator[TestClient]:
        with applied(project, sections or {}, upstreams) as app, TestClient(app) as client:
            yield client

    return gateway


@contextmanager
def applied(project: Project, sections: dict[str, Any], upstreams: dict[str, Any]) -> Iterator[FastAPI]:
    """The project's gateway as an application, with other settings."""
    own = {**project.settings.model_dump(), "upstream": upstreams, **sections}
    settings = Settings.model_validate(own)
    task = make_task(settings, folder=project.paths.project)
    app, recorder = project_gateway(replace(project, settings=settings, task=task))
    try:
        yield app
    finally:
        recorder.close()


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """An application at an address of its own, as `afina serve` runs it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", http=BoundedProtocol)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def rows(project: Project, count: int) -> list[dict[str, Any]]:
    """Recorded interactions, once there are that many."""
    deadline = time.monotonic() + 10
    while True:
        with project.session() as session:
            found = session.execute("SELECT * FROM app.interactions ORDER BY id").fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)
