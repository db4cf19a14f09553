"""A project → its gateway: fleet, recorder, feedback, and a database that is brought back when it goes away."""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import psycopg
from fastapi import FastAPI

from afina.capture import Kept, Recorder, Spool, SpoolOptions, add_feedback, is_conversation, record_interactions
from afina.errors import DatabaseDownError, StoreError
from afina.flows.project import Project
from afina.records import Feedback, Interaction
from afina.serve import LiveVersion, read_live
from afina.serve.app import GatewayOptions, build_gateway
from afina.serve.fleet import Fleet
from afina.serve.gateway import Books
from afina.serve.keys import Key, keys_by_hash
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

    def keys(self) -> dict[str, Key]:
        """Every key by its hash.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        with self.session() as session:
            return keys_by_hash(session)

    def save(self, batch: Sequence[Kept]) -> None:
        """Record interactions and feedback, in their order and once, however often they come.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        with self.session() as session:
            for _, records in groupby(batch, type):
                some = list(records)
                record_interactions(session, [one for one in some if isinstance(one, Interaction)])
                for one in some:
                    if isinstance(one, Feedback):
                        add_feedback(session, one)

    def save_feedback(self, feedback: Feedback) -> bool:
        """Record feedback; False when there is no such interaction, or not yet.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        try:
            with self.session() as session:
                if feedback.interaction is None and not is_conversation(session, feedback.conversation):
                    return False
                add_feedback(session, feedback)
        except StoreError as exc:
            if isinstance(exc.__cause__, psycopg.errors.ForeignKeyViolation):
                return False
            raise
        return True


def project_gateway(project: Project, *, pinned: str = "") -> tuple[FastAPI, Recorder]:
    """The gateway of a project. `pinned` names the one version it answers with."""
    served = Served(project)

    def live() -> list[LiveVersion]:
        return [version for version in served.live() if not pinned or version.name == pinned]

    fleet = Fleet(live, project.settings.runtime, logs=project.paths.logs)
    capture, serve = project.settings.capture, project.settings.serve
    spooling = SpoolOptions(
        most_bytes=capture.spool_mb * 10**6,
        sync_ms=capture.sync_ms,
        key_file=Path(capture.key_file) if capture.key_file else None,
    )
    recorder = Recorder(served.save, spool=Spool(project.paths.spool, spooling))
    options = GatewayOptions(client=project.client, timeout_s=serve.request_timeout_s, origins=serve.cors_origins)
    books = Books(
        record=recorder,
        feedback=served.save_feedback,
        keys=served.keys,
        session=served.session,
        refuses=recorder.refuses if capture.on_full == "refuse" else str,
    )
    app = build_gateway(fleet, options, books)
    return app, recorder
