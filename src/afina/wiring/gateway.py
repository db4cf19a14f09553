"""A project → its gateway: fleet, recorder, feedback, and a database that is brought back when it goes away."""

import logging
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import replace

import psycopg
from fastapi import FastAPI

from afina.capture import Recorder, add_feedback, record_interactions
from afina.capture.unsaved import keep_unsaved, record_unsaved
from afina.errors import DatabaseDownError, StoreError
from afina.flows.project import Project
from afina.ids import ClientId, FeedbackId, InteractionId, new_id
from afina.records import Feedback, FeedbackKind, Interaction
from afina.serve import LiveVersion, read_live
from afina.serve.app import GatewayOptions, build_gateway
from afina.serve.fleet import Fleet
from afina.serve.gateway import Opinion
from afina.store.pool import Connection, close_pool, open_pool
from afina.store.server import embedded_dsn

LOG = logging.getLogger("afina.serve")
REVIVE_S, REVIVE_TIMEOUT_S = 5.0, 15.0


class Served:
    """A project whose database is brought back when it goes away under a running gateway."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.lock = threading.Lock()
        self.revived_at = 0.0

    def session(self) -> AbstractContextManager[Connection]:
        """One transaction, confined to the client."""
        return self.project.session()

    def revive(self) -> None:
        """Start the embedded server again, if it is gone and nobody just tried.

        Raises:
            DatabaseDownError: it does not start.
        """
        project = self.project
        if project.settings.store.url:
            return  # somebody else's server: it comes back by itself or not
        with self.lock:
            if time.monotonic() - self.revived_at < REVIVE_S:
                return
            self.revived_at = time.monotonic()
            minutes = project.settings.store.idle_stop_minutes
            dsn = embedded_dsn(project.paths.database, idle_stop_minutes=minutes, timeout_s=REVIVE_TIMEOUT_S)
            if dsn != project.dsn:
                close_pool(project.dsn)
            open_pool(dsn, most=project.settings.store.connections)
            self.project = project.on(dsn)

    def live(self) -> list[LiveVersion]:
        """What is in front of users.

        Raises:
            DatabaseDownError: the database does not answer, and could not be brought back.
        """
        try:
            with self.session() as session:
                found = read_live(session)
        except DatabaseDownError:
            self.revive()
            with self.session() as session:
                found = read_live(session)
        return [replace(version, gguf=str(self.project.paths.data / version.gguf)) for version in found]

    def save(self, batch: list[Interaction]) -> None:
        """Record interactions.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        with self.session() as session:
            record_interactions(session, batch)

    def save_opinion(self, opinion: Opinion) -> bool:
        """Record feedback; False when there is no such interaction, or not yet.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        try:
            with self.session() as session:
                add_feedback(session, feedback_of(opinion, client=self.project.client))
        except StoreError as exc:
            if isinstance(exc.__cause__, psycopg.errors.ForeignKeyViolation):
                return False
            raise
        return True


def feedback_of(opinion: Opinion, *, client: ClientId) -> Feedback:
    """What came over HTTP as a record."""
    return Feedback(
        id=FeedbackId(new_id("fbk")),
        client=client,
        interaction=InteractionId(opinion.interaction),
        kind=FeedbackKind(opinion.kind),
        value=opinion.value,
        reviewer=opinion.reviewer,
    )


def project_gateway(project: Project, *, pinned: str = "") -> tuple[FastAPI, Recorder]:
    """The gateway of a project. `pinned` names the one version it answers with."""
    served = Served(project)
    unsaved = project.paths.unsaved
    try:
        if count := record_unsaved(unsaved, served.save):
            LOG.info("%d interactions of an earlier gateway are recorded now", count)
    except StoreError as exc:  # answers must not wait for them
        LOG.error("interactions of an earlier gateway stay in %s: %s", unsaved, exc)

    def live() -> list[LiveVersion]:
        return [version for version in served.live() if not pinned or version.name == pinned]

    fleet = Fleet(live, project.settings.runtime, logs=project.paths.logs)
    recorder = Recorder(served.save, keep=keep_unsaved(unsaved))
    serve = project.settings.serve
    options = GatewayOptions(client=project.client, timeout_s=serve.request_timeout_s, origins=serve.cors_origins)
    app = build_gateway(fleet, options, record=recorder, feedback=served.save_opinion)
    return app, recorder
