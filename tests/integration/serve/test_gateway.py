"""The gateway with real workers: routing, recording, streaming, failures."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from afina.export import register_version
from afina.export.export import export_model
from afina.ids import ModelVersionId
from afina.loop.project import Project
from afina.loop.rollouts import release_direct, start_canary
from afina.records import ModelVersion
from afina.serve import bucket
from afina.settings import RuntimeSettings
from afina.wiring import project_gateway

LABELS = {"fields": ["topic"], "labels": {"topic": ["pago", "envio"]}}


@pytest.fixture(scope="module")
def gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a GGUF."""
    out = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    settings = RuntimeSettings.model_validate({"context": 256, "slots": 1})
    return export_model(tiny_model, None, out, settings, quantisation="q8_0", name="tiny").gguf


def version(project: Project, name: str, gguf: Path) -> ModelVersion:
    """A registered version."""
    made = ModelVersion(
        id=ModelVersionId(f"mod_{name}"),
        name=f"tiny:{name}",
        task="classify",
        base="tiny",
        gguf=str(gguf),
        quantisation="q8_0",
        card=LABELS,
    )
    with project.session() as session:
        register_version(session, made)
    return made


@pytest.fixture
def served(project: Project, gguf: Path) -> Iterator[tuple[TestClient, Project]]:
    """A gateway with v1 in production and v2 as a canary for 20 % of the users."""
    release_direct(project, version(project, "v1", gguf), actor="t", reason="r")
    start_canary(project, version(project, "v2", gguf), actor="t", force=True)
    app, recorder = project_gateway(project)
    with TestClient(app) as client:
        wait(client, 2)
        yield client, project
    recorder.close()


def wait(client: TestClient, versions: int) -> None:
    """Until that many versions are live."""
    deadline = time.monotonic() + 60
    while len(client.get("/v1/models").json()["data"]) != versions:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rows(project: Project, count: int) -> list[dict[str, object]]:
    """Recorded interactions, once there are that many."""
    deadline = time.monotonic() + 10
    while True:
        with project.session() as session:
            found = session.execute("SELECT * FROM app.interactions ORDER BY created_at, id").fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def canary_user(project: Project) -> str:
    """Somebody the canary serves."""
    with project.session() as session:
        row = session.execute("SELECT id FROM ml.rollouts WHERE state = 'canary'").fetchone()
    assert row is not None
    return next(u for u in (f"user{i}" for i in range(200)) if bucket(u, salt=row["id"]) < 0.2)


def test_users_are_routed_recorded_and_heard(served: tuple[TestClient, Project]) -> None:
    """Two versions alive; sticky users; JSON under the schema; feedback lands on its interaction."""
    client, project = served
    lucky = canary_user(project)

    answers = [
        client.post("/v1/classify", json={"text": "me cobraron dos veces", "user": lucky}).json() for _ in range(3)
    ]
    other = client.post("/v1/classify", json={"text": "hola", "user": ""}).json()

    assert {a["model"] for a in answers} == {"tiny:v2"}
    assert other["model"] in {"tiny:v1", "tiny:v2"}
    assert all(a["fields"]["topic"] in {"pago", "envio"} for a in [*answers, other])
    identity = answers[0]["interaction"]
    assert client.post("/v1/feedback", json={"interaction": identity, "kind": "accepted"}).status_code == 200
    assert client.post("/v1/feedback", json={"interaction": identity, "kind": "corrected"}).status_code == 400
    assert client.post("/v1/feedback", json={"interaction": "int_none", "kind": "accepted"}).status_code == 404
    found = rows(project, 4)
    assert len(found) == 4
    assert {r["text"] for r in found} == {"me cobraron dos veces", "hola"}
    assert found[0]["model_version_id"] == "mod_v2"
    assert found[0]["user_external_id"] == lucky


def test_chat_completions_whole_and_streamed(served: tuple[TestClient, Project]) -> None:
    """The streamed text is the whole text, and both are recorded."""
    client, project = served
    body = {"messages": [{"role": "user", "content": "hola"}], "temperature": 0, "max_tokens": 8, "user": "u"}

    whole = client.post("/v1/chat/completions", json=body)
    with client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as reply:
        events = [json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: {")]

    text = whole.json()["choices"][0]["message"]["content"]
    streamed = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    assert streamed == text
    assert whole.headers["x-afina-model"] == whole.json()["model"]
    found = rows(project, 2)
    assert [r["answer"] for r in found] == [text, text]
    assert all(r["tokens_out"] for r in found[:1])


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"messages": []}', 400),
        (b"[" * 200_000, 400),
        (b'{"messages": "' + b"x" * 4_000_001 + b'"}', 413),
        (json.dumps({"messages": [{"role": "user", "content": "palabra " * 2000}]}).encode(), 400),
    ],
)
def test_bad_requests_are_answered_in_openais_form(
    served: tuple[TestClient, Project], content: bytes, status: int
) -> None:
    """Never a 500, never a hang."""
    client, _ = served

    reply = client.post("/v1/chat/completions", content=content)

    assert reply.status_code == status
    assert reply.json()["error"]["message"]


def test_a_killed_worker_is_replaced_and_meanwhile_production_answers(served: tuple[TestClient, Project]) -> None:
    """kill -9 of the canary's worker costs no user an answer."""
    client, project = served
    lucky = canary_user(project)
    app = client.app
    assert isinstance(app, FastAPI)
    fleet = app.state.fleet
    os.kill(fleet.workers["mod_v2"].process.pid, signal.SIGKILL)
    fleet.workers["mod_v2"].process.wait()

    reply = client.post("/v1/classify", json={"text": "hola", "user": lucky})

    assert reply.status_code == 200
    deadline = time.monotonic() + 30
    while client.post("/v1/classify", json={"text": "hola", "user": lucky}).json()["model"] != "tiny:v2":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_nothing_live_is_said(project: Project) -> None:
    """503 with what to do, and an unhealthy health."""
    app, recorder = project_gateway(project)
    with TestClient(app) as client:
        assert client.get("/healthz").status_code == 503
        reply = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
        assert client.post("/v1/classify", json={"text": "x"}).status_code == 503
    recorder.close()

    assert reply.status_code == 503
    assert "afina release" in reply.json()["error"]["message"]


def test_a_message_the_database_cannot_hold_does_not_stop_the_record(served: tuple[TestClient, Project]) -> None:
    """NUL is taken out; what comes after is recorded too."""
    client, project = served

    client.post("/v1/classify", json={"text": "a\x00b", "user": "x\x00"})
    client.post("/v1/classify", json={"text": "después", "user": "y"})

    assert [r["text"] for r in rows(project, 2)] == ["ab", "después"]


def test_a_schema_of_the_caller_gives_whole_json(served: tuple[TestClient, Project]) -> None:
    """Random weights would pad it with blanks until the tokens run out."""
    client, _ = served
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    body = {
        "messages": [{"role": "user", "content": "hola"}],
        "max_tokens": 40,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }

    reply = client.post("/v1/chat/completions", json=body).json()

    assert reply["choices"][0]["finish_reason"] == "stop"
    assert isinstance(json.loads(reply["choices"][0]["message"]["content"])["ok"], bool)
