"""A project → its gateway: fleet, recorder, feedback, and a database that is brought back when it goes away."""

import hmac
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI

from afina.capture import (
    Kept,
    Recorder,
    Spool,
    SpoolOptions,
    add_feedback,
    is_conversation,
    is_of_user,
    record_interactions,
    score_reactions,
    scrub_feedback,
    scrub_interaction,
)
from afina.channels import Access
from afina.curate import kept_examples
from afina.errors import AfinaError, DatabaseDownError, ReleaseError, SettingsError, StoreError
from afina.files.training_file import Selection
from afina.flows.datasets import write_training_file
from afina.flows.privacy import policy_of
from afina.flows.project import Project
from afina.flows.rollouts import settle_canary
from afina.ids import ClientId
from afina.privacy.pseudonyms import client_key
from afina.records import Example, Feedback, Interaction
from afina.serve import LiveVersion, read_live
from afina.serve.alerts import AlertRules
from afina.serve.app import GatewayOptions, build_gateway
from afina.serve.budget import OpenSession
from afina.serve.channels import ChannelOptions, access_of
from afina.serve.fleet import Fleet
from afina.serve.gateway import Books
from afina.serve.keys import Key, keys_by_hash
from afina.serve.news import News
from afina.serve.target import Targets, TaskForm, Upstream
from afina.serve.training import TrainingDesk
from afina.settings import Settings
from afina.store.access import client_session
from afina.store.key_files import read_key
from afina.store.listen import Listener
from afina.store.pool import Connection, close_pool, open_pool
from afina.store.server import embedded_dsn
from afina.wiring.trainer import trainer_desk

LOG = logging.getLogger("afina.serve")
REVIVE_S, REVIVE_TIMEOUT_S = 5.0, 15.0


class Served:
    """A project whose database is brought back when it goes away under a running gateway. `clients`: whose rows it serves, its own first."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.clients = tuple(dict.fromkeys([project.client, *map(ClientId, project.settings.serve.clients)]))
        privacy = project.settings.privacy
        self.policies = {one: policy_of(privacy, project.paths, one) for one in self.clients}
        self.listener = Listener("afina_live")
        self.has_keys = True
        """Whether any client has a key; until they were read it is taken that one has."""
        self.lock = threading.Lock()
        self.revived_at = 0.0

    def session(self, client: ClientId) -> AbstractContextManager[Connection]:
        """One transaction, confined to a client."""
        return client_session(self.project.dsn, client)

    def sessions(self, client: ClientId) -> OpenSession:
        """Opens such transactions."""
        return lambda: self.session(client)

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
            found = self.live_now()
        except DatabaseDownError:
            self.revive()
            found = self.live_now()
        return [replace(version, gguf=str(self.project.paths.data / version.gguf)) for version in found]

    def live_now(self) -> list[LiveVersion]:
        """The same, with paths as they are recorded."""
        found = []
        for client in self.clients:
            with self.session(client) as session:
                found += read_live(session)
        return found

    def keys(self) -> dict[str, Key]:
        """Every key of every client by its hash.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        found: dict[str, Key] = {}
        for client in self.clients:
            with self.session(client) as session:
                found |= keys_by_hash(session)
        self.has_keys = bool(found)
        return found

    def examples(self, client: ClientId) -> tuple[list[Example], str]:
        """What is curated of a client's task, and the prompt that goes with it.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        with self.session(client) as session:
            return kept_examples(session, task=self.project.task.name), self.project.task.kind.prompt(self.project.task)

    def export(self, client: ClientId, selection: Selection) -> tuple[str, int]:
        """The training file of what is wanted of it.

        Raises:
            InputError: nothing is. DatabaseDownError: the database does not answer.
        """
        examples, prompt = self.examples(client)
        wanted = [one for one in examples if selection.holds(one)]
        folder = self.project.paths.exports
        path = write_training_file(wanted, prompt, folder if client == self.project.client else folder / client)
        return str(path), len(wanted)

    def of(self, client: ClientId) -> Project:
        """The project as it is now, of a client."""
        return self.project.of(client)

    def settle(self) -> list[str]:
        """Act on what every canary's traffic says. Tells what was done.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        told = []
        for client in self.clients:
            try:
                told += settled(self.of(client))
            except AfinaError as exc:  # the others are looked at all the same
                LOG.warning("the canary of %s was not looked at: %s", client, exc)
        return told

    def changed(self, seconds: float) -> bool:
        """Whether versions or keys changed within so many seconds.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        return self.listener.wait(self.project.dsn, seconds)

    def save(self, batch: Sequence[Kept]) -> None:
        """Record interactions and feedback without personal data, in their order and once, however often they come.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        clean = [self.scrubbed(one) for one in batch]
        for client in dict.fromkeys(one.client for one in clean):
            with self.session(client) as session:
                for _, records in groupby((one for one in clean if one.client == client), type):
                    some = list(records)
                    record_interactions(session, [one for one in some if isinstance(one, Interaction)])
                    for one in some:
                        if isinstance(one, Feedback):
                            add_feedback(session, one)
                said = [one for one in clean if isinstance(one, Interaction) and one.client == client]
                score_reactions(session, [one.conversation for one in said])

    def scrubbed(self, record: Kept) -> Kept:
        """A record as the database may have it."""
        policy = self.policies.get(record.client) or self.policies[self.project.client]
        if isinstance(record, Interaction):
            return scrub_interaction(record, policy)
        return scrub_feedback(record, policy)

    def save_feedback(self, feedback: Feedback, of_user: str) -> bool:
        """Record feedback; False when there is no such interaction, or not yet, or it is not what `of_user`, if named, said.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        try:
            with self.session(feedback.client) as session:
                feedback = scrub_feedback(feedback, self.policies[feedback.client])
                if feedback.interaction is None and not is_conversation(session, feedback.conversation):
                    return False
                if of_user and not is_of_user(session, feedback, of_user):
                    return False
                add_feedback(session, feedback)
        except StoreError as exc:
            if isinstance(exc.__cause__, psycopg.errors.ForeignKeyViolation):
                return False
            raise
        return True


def settled(project: Project) -> list[str]:
    """Act on what a canary's traffic says. Tells what was done, or that it stands otherwise than before."""
    try:
        view = settle_canary(project, actor="gateway")
    except ReleaseError:  # there is none
        return []
    name, decision = project.ledger.version(view.canary.model_version).name, view.decision
    what = decision.status.value if decision.action == "wait" else decision.action.replace("_", " ")
    return [f"{name}: {what}: {decision.because}"] if view.news else []


def upstreams_of(settings: Settings, environment: Mapping[str, str]) -> list[Upstream]:
    """`[upstream.NAME]` in the order of the file, each with its key.

    Raises:
        SettingsError: an upstream's key is not in the environment.
    """
    found = []
    for name, one in settings.upstream.items():
        if one.key_env and not environment.get(one.key_env):
            raise SettingsError(
                f"upstream.{name}.key_env: there is no {one.key_env} in the environment",
                remedy=f"export {one.key_env}=…",
            )
        own = {field: getattr(one, field) for field in ("model", "timeout_s", "retries", "price_in", "price_out")}
        key = environment.get(one.key_env, "") if one.key_env else ""
        found.append(Upstream(name=name, url=one.url.rstrip("/"), key=key, **own))
    return found


def channel_options(served: Served, *, seal: AESGCM, environment: Mapping[str, str]) -> ChannelOptions:
    """The channels of a project. One that is not set up is open only while there are no keys, as everything else is: then the gateway listens on this
    machine only.
    """
    settings, paths = served.project.settings, served.project.paths
    for name, one in settings.channel.items():
        for field, variable in one.model_dump().items():
            if field.endswith("_env") and variable and not environment.get(variable):
                raise SettingsError(
                    f"channel.{name}.{field}: there is no {variable} in the environment", remedy=f"export {variable}=…"
                )
    named = Path(settings.privacy.key_file) if settings.privacy.key_file else None
    key = read_key(named or paths.privacy_key, make=named is None)

    def access(channel: str, client: ClientId) -> Access | None:
        own = settings.channel.get(f"{channel}/{client}") or settings.channel.get(channel)
        if own is None:
            return Access() if not served.has_keys else None
        found = access_of(own.model_dump(), environment)
        needed = own.secret_env or channel == "web"
        return found if (needed and (found.secret or channel == "web")) or not served.has_keys else None

    def pseudonym(client: ClientId, name: str) -> str:
        channel, _, _ = name.partition(":")
        return f"{channel}-{hmac.new(client_key(key, client), name.encode(), 'sha256').hexdigest()[:20]}"

    return ChannelOptions(
        clients=served.clients, access=access, seal=seal, pseudonym=pseudonym, cannot_read=settings.serve.cannot_read
    )


def forms_of(project: Project) -> Callable[[ClientId], TaskForm]:
    """How the project's task is asked of somebody who was not tuned for it. The labels of the newest dataset are told for the project's own client
    only: they are its data.
    """
    task = project.task
    declared = task.kind.declared_schema(task)
    try:
        learnt = project.ledger.dataset().answer_schema
    except AfinaError:  # nothing was frozen yet
        learnt = declared

    def form(schema: dict[str, Any] | None) -> TaskForm:
        return TaskForm(task=task.name, prompt=task.kind.instructions(task, schema), schema=schema)

    own, others = form(learnt), form(declared)
    return lambda client: own if client == project.client else others


def project_gateway(project: Project, *, pinned: str = "") -> tuple[FastAPI, Recorder]:
    """The gateway of a project. `pinned` names the one version it answers with.

    Raises:
        SettingsError: an upstream's key is not in the environment.
    """
    upstreams = upstreams_of(project.settings, os.environ)
    served = Served(project)

    def live() -> list[LiveVersion]:
        return [version for version in served.live() if not pinned or version.name == pinned]

    fleet = Fleet(live, project.settings.runtime, logs=project.paths.logs, news=News(served.changed))
    capture, serve = project.settings.capture, project.settings.serve
    spooling = SpoolOptions(
        most_bytes=capture.spool_mb * 10**6,
        sync_ms=capture.sync_ms,
        key_file=Path(capture.key_file) if capture.key_file else None,
    )
    recorder = Recorder(served.save, spool=Spool(project.paths.spool, spooling))
    options = GatewayOptions(
        client=project.client,
        timeout_s=serve.request_timeout_s,
        origins=serve.cors_origins,
        alerts=AlertRules(p95_ms=serve.alert_p95_ms, error_rate=serve.alert_error_rate, webhook=serve.alert_webhook),
        reply=project.settings.reply,
        training=TrainingDesk(examples=served.examples, export=served.export),
        trainer=trainer_desk(served.of),
        channels=channel_options(served, seal=recorder.spool.seal, environment=os.environ),
        settle=served.settle if project.settings.release.settle_seconds and not pinned else None,
        settle_s=project.settings.release.settle_seconds,
    )
    books = Books(
        record=recorder,
        feedback=served.save_feedback,
        keys=served.keys,
        session=served.sessions,
        refuses=recorder.refuses if capture.on_full == "refuse" else str,
        waiting=recorder.numbers,
    )
    app = build_gateway(Targets(fleet, upstreams, form=forms_of(project)), options, books)
    return app, recorder
