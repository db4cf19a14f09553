"""Gateways in front of stand-ins."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from afina.flows.project import Project
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
        own = {**project.settings.model_dump(), "upstream": upstreams, **(sections or {})}
        settings = Settings.model_validate(own)
        task = make_task(settings, folder=project.paths.project)
        app, recorder = project_gateway(replace(project, settings=settings, task=task))
        with TestClient(app) as client:
            yield client
        recorder.close()

    return gateway


def rows(project: Project, count: int) -> list[dict[str, Any]]:
    """Recorded interactions, once there are that many."""
    deadline = time.monotonic() + 10
    while True:
        with project.session() as session:
            found = session.execute("SELECT * FROM app.interactions ORDER BY id").fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)
