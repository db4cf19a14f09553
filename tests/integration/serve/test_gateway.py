"""The gateway with real workers: routing, recording, streaming, failures."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from afina.errors import DatabaseDownError
from afina.export import register_version
from afina.export.export import Target, export_model
from afina.export.merge import Trained
from afina.flows.project import Project
from afina.flows.rollouts import release_direct, settle_canary, start_canary
from afina.ids import ModelVersionId
from afina.records import ModelVersion
from afina.serve import bucket
from afina.settings import RuntimeSettings
from afina.wiring.gateway import project_gateway
from tests.integration.serve.conftest import rows

CARD = {
    "kind": "classify",
    "prompt": "Clasifica el mensaje. Campos: topic.",
    "answer_schema": {
        "type": "object",
        "properties": {"topic": {"type": "string", "enum": ["pago", "envio"]}},
        "required": ["topic"],
        "additionalProperties": False,
    },
}


@pytest.fixture(scope="module")
def gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a GGUF."""
    out = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    settings = RuntimeSettings.model_validate({"context": 256, "slots": 1})
    return export_model(Trained(tiny_model), out, settings, Target(quantisation="q8_0", name="tiny")).gguf


def version(project: Project, name: str, gguf: Path) -> ModelVersion:
    """A registered version."""
    made = ModelVersion(
        id=ModelVersionId(f"mod_{name}"),
        name=f"tiny:{name}",
        task="classify",
        base="tiny",
        gguf=str(gguf),
        quantisation="q8_0",
        card=CARD,
    )
    with project.session() as session:
        register_version(session, made)
    return made


@pytest.fixture
def served(project: Project, gguf: Path, tmp_path: Path) -> Iterator[tuple[TestClient, Project]]:
    """A gateway with v1 in production and v2, a file of its own, as a canary for 20 % of the users."""
    release_direct(project, version(project, "v1", gguf), actor="t", reason="r")
    other = Path(shutil.copy(gguf, tmp_path / "other.gguf"))
    start_canary(project, version(project, "v2", other), actor="t", force=True)
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
    assert all(0 < a["confidence"] < 1 for a in answers)
    assert found[0]["confidence"] == answers[0]["confidence"]
    assert {r["variant"] for r in found[:3]} == {"canary"}
    assert {(r["drawn"], r["canary_share"]) for r in found[:3]} == {("canary", 0.2)}
    assert found[3]["rollout_id"] == "", "nobody who could be known again"
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


def test_the_only_worker_dies_and_no_request_is_lost(served: tuple[TestClient, Project]) -> None:
    """Behind production there is nobody: whoever asks waits for its successor, and is answered by it."""
    client, _ = served
    app = client.app
    assert isinstance(app, FastAPI)
    worker = app.state.fleet.workers["mod_v1"]
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait()

    replies = [client.post("/v1/answer", json={"text": "hola", "model": "tiny:v1"}) for _ in range(3)]

    assert [(one.status_code, one.json()["model"]) for one in replies] == [(200, "tiny:v1")] * 3
    assert app.state.fleet.workers["mod_v1"].process.pid != worker.process.pid


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


HALF = rb'{"text": "\ud83d", "user": "a", "prompt": "\ud83d", "interaction": "\ud83d", "kind": "accepted", "messages": [{"role": "user", "content": "\ud83d"}]}'
PATHS = (
    "/v1/chat/completions",
    "/v1/answer",
    "/v1/classify",
    "/v1/feedback",
    "/api/chat",
    "/api/generate",
    "/api/show",
)


@pytest.mark.parametrize(
    "raw",
    [
        HALF,
        b'{"messages": NaN}',
        b'{"text": 1e999}',
        b'{"n": ' + b"1" * 4400 + b"}",
        b"\xff{",
        b"",
        b"[]",
        b'"x"',
        b"null",
    ],
)
def test_every_door_refuses_what_is_no_body(served: tuple[TestClient, Project], raw: bytes) -> None:
    """400 in the door's own form: never a 500."""
    client, _ = served

    for path in PATHS:
        reply = client.post(path, content=raw)
        error = reply.json()["error"]
        assert reply.status_code == 400, path
        assert error if path.startswith("/api") else error["message"], path


def test_every_door_has_a_limit_of_size(served: tuple[TestClient, Project]) -> None:
    """And does not send the body back."""
    client, _ = served

    for path in PATHS:
        reply = client.post(path, content=b'{"text": "' + b"a" * 4_000_001 + b'"}')
        assert reply.status_code == 413, path
        assert len(reply.content) < 300


def test_paths_and_methods_that_do_not_exist_are_said_in_each_form(served: tuple[TestClient, Project]) -> None:
    """OpenAI's clients read `error.message`, Ollama's `error`."""
    client, _ = served

    assert client.get("/v1/nothing").json()["error"]["code"] == 404
    assert client.get("/v1/classify").json()["error"]["code"] == 405
    assert client.get("/v1/models/tiny:v1").json()["created"] > 1_700_000_000
    assert client.get("/v1/models/tiny:v9").status_code == 404
    assert isinstance(client.get("/api/nothing").json()["error"], str)


def test_a_clients_mistake_is_no_failure_of_the_model(served: tuple[TestClient, Project]) -> None:
    """Recorded as the request's fault; the canary is not rolled back for it."""
    client, project = served
    lucky = canary_user(project)
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}
    bad: list[dict[str, Any]] = [
        {"messages": [image]},
        {"messages": [{"role": "user", "content": "palabra " * 2000}]},
        {"messages": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {
            "messages": [{"role": "user", "content": "x"}],
            "tool_choice": {"type": "nothing"},
            "tools": [{"type": "function", "function": {"name": ""}}],
        },
    ]
    for number in range(6):
        client.post("/v1/classify", json={"text": f"hola {number}", "user": lucky})

    found = [
        client.post("/v1/chat/completions", json={**body, "user": lucky, "max_tokens": 4}).status_code for body in bad
    ]

    assert all(status in {200, 400} for status in found)
    assert found[:3] == [400, 400, 400]
    recorded = rows(project, 10)
    assert sum(r["fault"] == "request" for r in recorded) == found.count(400)
    assert not any(r["fault"] == "model" for r in recorded)
    view = settle_canary(project, actor="t")
    assert view.decision.action == "wait", view.decision.because
    assert view.moment.answered == 6 + found.count(200)
    assert next(one for one in view.look.readings if one.measure == "errors").canary == 0.0


def test_the_streams_events_are_those_of_the_whole_answer(served: tuple[TestClient, Project]) -> None:
    """Model name, every choice, finish reasons, the recorded text."""
    client, project = served
    body = {
        "messages": [{"role": "user", "content": "hola"}],
        "temperature": 0,
        "max_tokens": 6,
        "user": "u",
        "n": 2,
        "seed": 1,
    }

    whole = client.post("/v1/chat/completions", json=body).json()
    with client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as reply:
        events = [json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: {")]

    assert {event["model"] for event in events} == {whole["model"]}
    for choice in whole["choices"]:
        own = [c for event in events for c in event["choices"] if c["index"] == choice["index"]]
        assert "".join(c["delta"].get("content") or "" for c in own) == choice["message"]["content"]
        assert own[-1]["finish_reason"] == choice["finish_reason"]
    first = whole["choices"][0]["message"]["content"]
    assert [r["answer"] for r in rows(project, 2)] == [first, first]


def test_feedback_for_nobodys_answer_is_told_at_once(served: tuple[TestClient, Project]) -> None:
    """It used to wait three seconds in a thread, and others with it."""
    client, _ = served
    began = time.monotonic()

    for _ in range(10):
        assert client.post("/v1/feedback", json={"interaction": "int_none", "kind": "accepted"}).status_code == 404

    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("said", "kind", "value", "rating", "comment"),
    [
        ({"liked": True}, "rated", {"liked": "true"}, 5, ""),
        ({"liked": False, "comment": "no era eso"}, "rated", {"liked": "false"}, 1, "no era eso"),
        ({"rating": 4}, "rated", {}, 4, ""),
        ({"correction": "Sale $3.990."}, "corrected", {"answer": "Sale $3.990."}, None, ""),
        ({"correction": {"topic": "envio"}}, "corrected", {"topic": "envio"}, None, ""),
        ({"outcome": {"name": "sale", "value": 12990}}, "outcome", {"name": "sale", "value": "12990"}, None, ""),
        ({"comment": "gracias"}, "comment", {}, None, "gracias"),
    ],
)
def test_everything_that_people_say_of_an_answer_is_kept(
    served: tuple[TestClient, Project],
    said: dict[str, object],
    kind: str,
    value: dict[str, str],
    rating: int | None,
    comment: str,
) -> None:
    """Thumbs, stars, words, the right answer, a sale."""
    client, project = served
    identity = client.post("/v1/classify", json={"text": "hola"}).json()["interaction"]

    assert client.post("/v1/feedback", json={"interaction": identity, **said}).status_code == 200
    with project.session() as session:
        found = session.execute("SELECT * FROM app.feedback").fetchall()
    assert [(r["interaction_id"], r["kind"], r["value"], r["rating"], r["comment"]) for r in found] == [
        (identity, kind, value, rating, comment)
    ]


def test_feedback_on_a_whole_conversation(served: tuple[TestClient, Project]) -> None:
    """Found by its name; two things at once are two records; a rating is no review of an answer."""
    client, project = served
    body = {"messages": [{"role": "user", "content": "hola"}], "max_tokens": 4}
    client.post("/v1/chat/completions", json=body, headers={"x-conversation": "chat 1"})
    said = {"conversation": "chat 1", "rating": 2, "outcome": {"name": "sale"}, "comment": "lento"}

    assert client.post("/v1/feedback", json=said).status_code == 200
    assert client.post("/v1/feedback", json={**said, "conversation": "chat 2"}).status_code == 404
    with project.session() as session:
        found = session.execute("SELECT kind, comment FROM app.feedback ORDER BY kind").fetchall()
        rated = session.execute("SELECT conversation, rating FROM app.ratings").fetchall()
        reviewed = session.execute("SELECT sum(reviewed) AS n FROM analytics.review_stats").fetchone()
    assert [(r["kind"], r["comment"]) for r in found] == [("outcome", ""), ("rated", "lento")]
    assert [(r["conversation"], r["rating"]) for r in rated] == [("chat 1", 2)]
    assert reviewed == {"n": 0}


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({}, "either `interaction` or `conversation`"),
        ({"interaction": "i", "conversation": "c", "rating": 3}, "either `interaction` or `conversation`"),
        ({"interaction": "i"}, "one of `liked`"),
        ({"interaction": "i", "rating": 6}, "rating"),
        ({"interaction": "i", "stars": 5}, "stars"),
        ({"conversation": "c", "correction": "x"}, "one `interaction`"),
        ({"interaction": "i", "correction": ""}, "correction"),
    ],
)
def test_feedback_that_says_nothing_is_refused(
    served: tuple[TestClient, Project], said: dict[str, object], what: str
) -> None:
    """With the key that is wrong."""
    client, _ = served
    reply = client.post("/v1/feedback", json=said)

    assert reply.status_code == 400
    assert what in reply.json()["error"]["message"]


def test_feedback_without_a_database_is_kept_and_recorded_when_it_is_back(
    served: tuple[TestClient, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller has done his part; nobody has to send it again."""
    client, project = served
    identity = client.post("/v1/classify", json={"text": "hola"}).json()["interaction"]
    rows(project, 1)
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise DatabaseDownError("away")

        patch.setattr(Project, "session", away)
        assert client.post("/v1/feedback", json={"interaction": identity, "liked": True}).status_code == 200
    deadline = time.monotonic() + 10
    found: list[dict[str, object]] = []
    while not found and time.monotonic() < deadline:
        with project.session() as session:
            found = session.execute("SELECT interaction_id, rating FROM app.feedback").fetchall()
        time.sleep(0.05)

    assert found == [{"interaction_id": identity, "rating": 5}]


def test_a_gateway_that_may_not_answer_what_it_cannot_keep(project: Project) -> None:
    """`capture.on_full = "refuse"`: 503 before the model is asked; with "reply" the disk is nobody's concern but the log's."""
    for on_full, status in (("refuse", "nothing can be kept"), ("reply", "no model is live")):
        capture = project.settings.capture.model_copy(update={"on_full": on_full})
        settings = project.settings.model_copy(update={"capture": capture})
        app, recorder = project_gateway(replace(project, settings=settings))
        recorder.full, recorder.tried_at = "no room", time.monotonic() + 60
        with TestClient(app) as client:
            reply = client.post("/v1/classify", json={"text": "x"})
        recorder.close()

        assert reply.status_code == 503
        assert status in reply.json()["error"]["message"]


def test_what_the_gateway_itself_took_is_said(served: tuple[TestClient, Project]) -> None:
    """Beside the model's own time, whole and streaming."""
    client, _ = served
    body = {"messages": [{"role": "user", "content": "hola"}], "max_tokens": 4}
    for stream in (False, True):
        began = time.monotonic()
        reply = client.post("/v1/chat/completions", json={**body, "stream": stream})
        took = (time.monotonic() - began) * 1000

        assert 0 < float(reply.headers["x-afina-overhead-ms"]) < took


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/models", None),
        ("POST", "/v1/feedback", {}),
        ("GET", "/nowhere", None),
        ("POST", "/v1/classify", {"text": "x"}),
    ],
)
def test_every_reply_says_what_the_gateway_took(
    served: tuple[TestClient, Project], method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Refusals too."""
    client, _ = served

    assert float(client.request(method, path, json=body).headers["x-afina-overhead-ms"]) >= 0


def test_long_runs_of_marks_do_not_stop_anybody(served: tuple[TestClient, Project]) -> None:
    """100,000 combining marks took nine seconds to sort."""
    client, _ = served
    began = time.monotonic()

    client.post("/v1/classify", json={"text": "a" + "\u0301\u0316" * 49_000})

    assert time.monotonic() - began < 3


def test_pages_of_named_addresses_may_call(project: Project) -> None:
    """By a setting, and nobody without it."""
    for origins, allowed in (((), None), (("https://app.example",), "https://app.example")):
        serve = project.settings.serve.model_copy(update={"cors_origins": origins})
        app, recorder = project_gateway(replace(project, settings=project.settings.model_copy(update={"serve": serve})))
        with TestClient(app) as client:
            reply = client.options(
                "/v1/chat/completions",
                headers={"origin": "https://app.example", "access-control-request-method": "POST"},
            )
        recorder.close()
        assert reply.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize(
    "opinion",
    [
        {"interaction": "x\x00", "liked": True},
        {"conversation": "\x00", "liked": True},
        {"conversation": "c\ud800", "liked": True},
    ],
)
def test_names_that_no_database_can_hold_name_nothing(
    opinion: dict[str, Any], served: tuple[TestClient, Project]
) -> None:
    """They are no reason to think that the database is away."""
    client, _ = served
    reply = client.post("/v1/feedback", content=json.dumps(opinion), headers={"content-type": "application/json"})

    assert reply.status_code in {400, 404}
