"""Who is let in, and how much they may spend: keys, scopes, limits, the audit log, apart for every client."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from afina.errors import DatabaseDownError, StoreError
from afina.flows.project import Project
from afina.flows.rollouts import release_direct
from afina.ids import ClientId
from afina.serve import door
from afina.serve.keys import (
    Key,
    LimitReachedError,
    Limits,
    NewKey,
    Scope,
    add_key,
    keys_by_hash,
    list_keys,
    release,
    reserve,
    revoke_key,
)
from afina.store.access import client_session
from afina.wiring.gateway import project_gateway
from tests.integration.serve.conftest import rows
from tests.integration.serve.test_gateway import gguf, version, wait

__all__ = ["gguf"]
CHAT = {"messages": [{"role": "user", "content": "hola"}], "max_tokens": 4}


def made(
    project: Project, *scopes: Scope, name: str = "bot", days: float | None = None, **limits: int
) -> tuple[Key, str]:
    """A key of the project."""
    with project.session() as session:
        return add_key(session, NewKey(name=name, scopes=scopes or (Scope.CHAT,), days=days, limits=Limits(**limits)))


@pytest.fixture
def open_gateway(project: Project, gguf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], TestClient]]:
    """A gateway with v1 in production, started after the test has made its keys."""
    monkeypatch.setattr(door, "REFRESH_S", 0.05)
    release_direct(project, version(project, "v1", gguf), actor="t", reason="r")
    opened: list[Any] = []

    def start() -> TestClient:
        app, recorder = project_gateway(project)
        client = TestClient(app)
        opened.append((client.__enter__(), recorder))
        deadline = time.monotonic() + 60
        while not app.state.fleet.live and time.monotonic() < deadline:
            time.sleep(0.05)
        return client

    yield start
    for client, recorder in opened:
        client.__exit__(None, None, None)
        recorder.close()


def within_a_minute() -> None:
    """Wait for the next minute where this one is nearly over: limits count by the clock's."""
    if (second := datetime.now(UTC).second) > 50:
        time.sleep(61 - second)


def bearer(secret: str) -> dict[str, str]:
    """The header that clients of OpenAI send."""
    return {"authorization": f"Bearer {secret}"}


def test_without_a_key_everybody_on_this_machine_is_let_in(open_gateway: Callable[[], TestClient]) -> None:
    """As before there were keys."""
    client = open_gateway()
    wait(client, 1)

    assert client.post("/v1/chat/completions", json=CHAT).status_code == 200


def test_with_one_key_everybody_needs_one(project: Project, open_gateway: Callable[[], TestClient]) -> None:
    """For what it is for; the health stays open; a forged, an ended and an expired one are as good as none."""
    _, chat = made(project, Scope.CHAT, name="chat")
    _, talk = made(project, Scope.FEEDBACK, name="talk")
    _, admin = made(project, Scope.ADMIN, name="admin")
    _, old = made(project, Scope.CHAT, name="old", days=1e-9)
    client = open_gateway()

    def ask(headers: dict[str, str], path: str = "/v1/chat/completions", body: dict[str, Any] = CHAT) -> int:
        return client.post(path, json=body, headers=headers).status_code

    identity = client.post("/v1/chat/completions", json=CHAT, headers=bearer(chat)).headers["x-afina-interaction"]
    said = {"interaction": identity, "liked": True}

    assert [ask({}), ask(bearer("afk_forged")), ask(bearer(old)), ask({"authorization": chat})] == [401] * 4
    assert [ask(bearer(chat)), ask({"x-api-key": chat}), ask(bearer(admin))] == [200] * 3
    assert ask(bearer(talk)) == 403
    assert ask(bearer(chat), "/v1/feedback", said) == 403
    assert ask(bearer(talk), "/v1/feedback", said) == 200
    assert ask(bearer(chat), "/api/chat", {"messages": CHAT["messages"], "stream": False}) == 200
    assert client.get("/healthz").status_code == 200
    assert client.get("/nowhere", headers=bearer(chat)).status_code == 403
    assert client.get("/nowhere", headers=bearer(admin)).status_code == 404
    reply = client.post("/api/chat", json={})
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert isinstance(reply.json()["error"], str)


def test_an_ended_key_is_refused_and_a_dead_database_keeps_nobody_out(
    project: Project, open_gateway: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a moment; what was known a moment ago still counts while the database is away."""
    _, ended = made(project, name="ended")
    _, kept = made(project, name="kept")
    client = open_gateway()
    with project.session() as session:
        revoke_key(session, "ended")
    deadline = time.monotonic() + 10
    while client.get("/v1/models", headers=bearer(ended)).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.02)

    def away(*_: object) -> None:
        raise DatabaseDownError("away")

    monkeypatch.setattr(Project, "session", away)
    time.sleep(0.2)
    assert client.post("/v1/chat/completions", json=CHAT, headers=bearer(kept)).status_code == 200
    assert client.post("/v1/chat/completions", json=CHAT, headers=bearer(ended)).status_code == 401


def test_a_key_is_kept_as_a_hash_and_named_once(project: Project) -> None:
    """Its secret is nowhere in the database; its name is free again when it has ended."""
    key, secret = made(project, Scope.CHAT, Scope.FEEDBACK, tokens_per_day=10)
    with pytest.raises(StoreError, match="bot"):
        made(project)
    with project.session() as session:
        dump = json.dumps(session.execute("SELECT to_jsonb(k) AS k FROM app.api_keys k").fetchall())
        revoke_key(session, "bot")
        with pytest.raises(StoreError, match="no live key"):
            revoke_key(session, "bot")
    again, _ = made(project)
    with project.session() as session:
        listed = list_keys(session)

    assert secret.startswith("afk_")
    assert secret not in dump
    assert [(one.id, one.revoked_at is None) for one in listed] == [(again.id, True), (key.id, False)]
    assert listed[1].limits == Limits(tokens_per_day=10)


def test_fifty_at_once_on_a_key_that_pays_for_ten(project: Project) -> None:
    """Each reservation checks and adds in one statement: exactly ten pass."""
    key, _ = made(project, tokens_per_day=1000)

    def one(_: int) -> bool:
        try:
            with project.session() as session:
                return reserve(session, key, tokens=100) is not None
        except LimitReachedError:
            return False

    with ThreadPoolExecutor(50) as pool:
        passed = sum(pool.map(one, range(50)))

    assert passed == 10


def test_what_was_not_needed_is_given_back_and_a_refusal_takes_nothing(project: Project) -> None:
    """A request that fails for its tokens has not used up one of the minute either."""
    key, _ = made(project, tokens_per_day=1000, requests_per_minute=2)
    within_a_minute()
    with project.session() as session:
        held = reserve(session, key, tokens=900)
    assert held is not None
    with pytest.raises(LimitReachedError, match="1,000 tokens a day") as caught, project.session() as session:
        reserve(session, key, tokens=900)
    with project.session() as session:
        release(session, held, used=50)
        reserve(session, key, tokens=900)
    with pytest.raises(LimitReachedError, match="2 requests a minute"), project.session() as session:
        reserve(session, key, tokens=1)

    assert 0 < caught.value.wait_s <= 86_400


def test_a_spent_key_is_answered_with_429_and_pays_what_was_used(
    project: Project, open_gateway: Callable[[], TestClient]
) -> None:
    """With when to come again; other keys go on."""
    limited, secret = made(project, name="small", requests_per_minute=2, tokens_per_day=100_000)
    _, free = made(project, name="free")
    client = open_gateway()
    within_a_minute()
    statuses = []
    for _ in range(3):
        reply = client.post("/v1/chat/completions", json=CHAT, headers=bearer(secret))
        statuses.append(reply.status_code)
    with project.session() as session:
        used = [int(str(r[name] or 0)) for r in rows(project, 2) for name in ("tokens_in", "tokens_out")]
        spent = session.execute(
            "SELECT spent FROM app.key_spending WHERE kind = 'tokens' AND key_id = %s", (limited.id,)
        ).fetchone()

    assert statuses == [200, 200, 429]
    assert int(reply.headers["retry-after"]) <= 60
    assert reply.json()["error"]["type"] == "rate_limit_error"
    assert spent == {"spent": sum(used)}
    assert client.post("/v1/chat/completions", json=CHAT, headers=bearer(free)).status_code == 200


def test_keys_and_their_log_are_apart_for_every_client(project: Project) -> None:
    """Another client sees none of them, can end none, and nobody can change what is in the log."""
    made(project, name="mine")
    other = ClientId("another")
    with client_session(project.dsn, other) as session:
        assert list_keys(session) == []
        assert keys_by_hash(session) == {}
        with pytest.raises(StoreError):
            revoke_key(session, "mine")
    with project.session() as session:
        noted = session.execute("SELECT action, subject, actor, detail FROM app.audit_log").fetchall()
    for change in ("UPDATE app.audit_log SET actor = 'x'", "DELETE FROM app.audit_log", "TRUNCATE app.audit_log"):
        with pytest.raises(StoreError) as caught, project.session() as session:
            session.execute(change)
        assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege)

    assert [row["action"] for row in noted] == ["insert"]
    assert noted[0]["subject"].startswith("app.api_keys/key_")
    assert noted[0]["actor"]
    assert "hash" not in noted[0]["detail"]
    with client_session(project.dsn, other) as session:
        assert session.execute("SELECT * FROM app.audit_log").fetchall() == []
