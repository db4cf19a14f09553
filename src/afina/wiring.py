"""Settings → running parts: the only place that builds real adapters. Rooms do not import it."""

import atexit
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI

from afina.capture import Recorder, add_feedback, record_interaction
from afina.errors import StoreError
from afina.ids import InteractionId
from afina.loop.project import Project
from afina.records import FeedbackKind, Interaction
from afina.serve import Fleet, LiveVersion, build_gateway, read_live
from afina.serve.gateway import Opinion
from afina.settings import Settings, find_project, load_settings
from afina.store.access import database_errors
from afina.store.migrate import migrate
from afina.store.paths import Paths, private_folder
from afina.store.server import embedded_dsn

FEEDBACK_WAIT_S = 3.0
HELD: list[psycopg.Connection[Any]] = []


@atexit.register
def release_held() -> None:
    """Close the held connections while the interpreter still can."""
    while HELD:
        HELD.pop().close()


def read_project(start: Path, *, flags: Mapping[str, Any] | None = None) -> tuple[Paths, Settings]:
    """Folder and settings of the project that `start` lies in; no database is touched."""
    folder = find_project(start)
    return Paths(folder), load_settings(folder, environment=os.environ, flags=flags)


def open_project(start: Path, *, flags: Mapping[str, Any] | None = None) -> Project:
    """The project with a database that answers and has the newest schema; the embedded server is started if needed."""
    paths, settings = read_project(start, flags=flags)
    return connect(paths, settings)


def connect(paths: Paths, settings: Settings) -> Project:
    """Start or reach the database and migrate it."""
    private_folder(paths.data)
    dsn = settings.store.url or embedded_dsn(paths.database, idle_stop_minutes=settings.store.idle_stop_minutes)
    with database_errors():
        migrate(dsn)
        # A held connection counts as a user: the embedded server does not stop while this process needs it.
        HELD.append(psycopg.connect(dsn, autocommit=True, application_name="afina-held"))
    return Project(paths, settings, dsn)


def save_interactions(project: Project) -> Callable[[list[Interaction]], None]:
    """How the recorder writes."""

    def save(batch: list[Interaction]) -> None:
        with project.session() as session:
            for interaction in batch:
                record_interaction(session, interaction)

    return save


def save_opinion(project: Project) -> Callable[[Opinion], bool]:
    """How feedback is written. The interaction may still be on its way to the database: wait a little for it."""

    def save(opinion: Opinion) -> bool:
        deadline = time.monotonic() + FEEDBACK_WAIT_S
        while True:
            try:
                with project.session() as session:
                    add_feedback(
                        session, InteractionId(opinion.interaction), kind=FeedbackKind(opinion.kind), value=opinion.value,
                        reviewer=opinion.reviewer,
                    )  # fmt: skip
                return True
            except StoreError as exc:
                if not isinstance(exc.__cause__, psycopg.errors.ForeignKeyViolation):
                    raise
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)

    return save


def project_gateway(project: Project, *, pinned: str = "") -> tuple[FastAPI, Recorder]:
    """The gateway of a project. `pinned` names the one version it answers with."""

    def live() -> list[LiveVersion]:
        with project.session() as session:
            found = [replace(v, gguf=str(project.paths.data / v.gguf)) for v in read_live(session)]
        return [version for version in found if version.name == pinned] if pinned else found

    fleet = Fleet(live, project.settings.runtime, logs=project.paths.logs)
    recorder = Recorder(save_interactions(project))
    app = build_gateway(
        fleet, client=project.client, record=recorder, feedback=save_opinion(project),
        timeout_s=project.settings.serve.request_timeout_s,
    )  # fmt: skip
    return app, recorder
