"""Document 002's trainer API."""

import json
import subprocess
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from afina.flows.project import Project
from afina.flows.rollouts import history, release_direct
from afina.ids import ModelVersionId
from tests.integration.serve.conftest import Opened
from tests.integration.users import placed
from tests.unit.verdict.test_judge import arm, verdict


@pytest.fixture
def project(people: Project) -> Project:
    """With what forty people said, and v1 with its file and its go."""
    version = people.ledger.version("v1")
    (people.paths.data / version.gguf).write_bytes(b"GGUF")
    people.ledger.save_verdict(verdict(arm("base", 0), arm("tuned", 60)), version.id, people.ledger.dataset().id)
    return people


def base_in_production(project: Project) -> None:
    """Something that a canary can be compared with."""
    base = placed(project, "v0", id=ModelVersionId("mod_0"))
    release_direct(project, base, actor="t", reason="first")


def test_a_fine_tuning_is_started_in_a_process_of_its_own(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    """With what was asked for; what that process says is what the caller hears."""
    called: list[Any] = []

    def run(command: list[str], **options: Any) -> Any:
        called.append((command[5:], options["env"]["AFINA_PROJECT__CLIENT"]))
        if "--dataset=dat_none" in command:
            return SimpleNamespace(
                returncode=1, stdout="", stderr="error: no dataset dat_none\n  → afina dataset list\n"
            )
        return SimpleNamespace(returncode=0, stdout=json.dumps({"id": "run_1", "status": "queued"}), stderr="")

    with opened() as client:
        monkeypatch.setattr(subprocess, "run", run)
        good = client.post("/finetune/start", json={"notes": "with spring's messages"})
        bad = client.post("/finetune/start", json={"dataset_uri": "dat_none"})
        wrong = client.post("/finetune/start", json={"epochs": 3})
        plain = client.post("/finetune/start", content="{}", headers={"content-type": "text/plain"})

    assert (good.status_code, good.json()) == (202, {"id": "run_1", "status": "queued"})
    assert called[0] == (["finetune", "start", "--json", "--notes=with spring's messages"], "default")
    assert bad.status_code == 409
    assert "no dataset dat_none" in bad.json()["error"]["message"]
    assert wrong.status_code == 400
    assert plain.status_code == 415, "what a page of elsewhere may send without being asked"


def test_how_a_fine_tuning_stands(opened: Opened, project: Project) -> None:
    """With the version that came of it; an unknown one is said."""
    run = project.ledger.version("v1").run
    with opened() as client:
        found = client.get("/finetune/status", params={"id": run}).json()
        unknown = client.get("/finetune/status", params={"id": "run_none"})
        missing = client.get("/finetune/status")

    assert (found["status"], found["model_version"]) == ("succeeded", "v1")
    assert unknown.status_code == 404
    assert missing.status_code == 400


def test_an_evaluation_is_queued_and_its_verdict_told(opened: Opened, project: Project) -> None:
    """On the version's own held-out part; no other."""
    with opened() as client:
        queued = client.post("/eval/run", json={"model_version": "v1"})
        other = client.post("/eval/run", json={"model_version": "v1", "eval_set": "mine"})
        unknown = client.post("/eval/run", json={"model_version": "v9"})
        told = client.get("/eval/status", params={"model_version": "v1"}).json()

    assert (queued.status_code, queued.json()["status"]) == (202, "queued")
    assert other.status_code == 404
    assert unknown.status_code == 404
    assert (told["outcome"], told["arms"]["tuned"]["exact"]["score"]) == ("go", 1.0)
    with psycopg.connect(project.dsn, options="-c search_path=queue") as connection:
        jobs = connection.execute("SELECT task_name, args ->> 'version' FROM procrastinate_jobs").fetchall()
    assert jobs == [("evaluate", "mod_1")]


def test_a_version_goes_before_users_step_by_step(opened: Opened, project: Project) -> None:
    """A canary, a larger one, production, and back; each with who and why."""
    base_in_production(project)

    def put(share: float, notes: str = "n") -> tuple[int, Any]:
        reply = client.post("/models/rollout", json={"model_version": "v1", "traffic_pct": share, "notes": notes})
        return reply.status_code, reply.json().get("traffic_pct", reply.json().get("error"))

    with opened() as client:
        assert put(10) == (200, 10.0)
        assert put(25) == (200, 25.0)
        status, said = put(5)
        assert (status, "serves 25.0% of the users already" in said["message"]) == (409, True)
        assert put(100, "enough seen") == (200, 100.0)
        assert put(0, "complaints") == (200, 0.0)
        assert put(0)[0] == 409

    moves = [(row["to_state"], row["actor"]) for row in history(project) if row["name"] == "v1"]
    assert moves == [("canary", "api"), ("canary", "api"), ("production", "api"), ("rolled_back", "api")]
    production = project.ledger.in_production()
    assert production is not None
    assert production.model_version == "mod_0"


def test_without_a_go_nothing_is_put_before_users(opened: Opened, project: Project) -> None:
    """Whatever the share."""
    base_in_production(project)
    no = verdict(arm("base", 60), arm("tuned", 0))
    project.ledger.save_verdict(no, ModelVersionId("mod_1"), project.ledger.dataset().id)
    with opened() as client:
        found = [
            client.post("/models/rollout", json={"model_version": "v1", "traffic_pct": share}).status_code
            for share in (10, 100)
        ]

    assert found == [409, 409]
