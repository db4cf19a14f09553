"""The trainer's doors."""

import json
from pathlib import Path

import pytest

from afina.flows.project import Project
from tests.integration.serve.conftest import Opened


@pytest.fixture
def project(people: Project) -> Project:
    """With what forty people said."""
    return people


def test_statistics_in_the_documents_names(opened: Opened) -> None:
    """How many, by category, of high quality; how far it is to each milestone."""
    with opened() as client:
        found = client.get("/api/training/stats").json()

    assert (found["total"], found["corrections"], found["curated"]) == (120, 120, 120)
    assert found["highQuality"] == 0
    assert found["byCategory"] == {"none": 120}
    assert found["validationRate"] == 1.0
    assert found["milestones"][0] == {"name": "floor", "corrections": 500, "reached": False, "missing": 380}


def test_the_dataset_of_a_client_and_of_no_other(opened: Opened) -> None:
    """Every curated example as a row of a training file."""
    with opened() as client:
        found = client.get("/api/validation/finetuning-dataset/default")
        other = client.get("/api/validation/finetuning-dataset/acme")

    rows = [json.loads(line) for line in found.text.splitlines()]
    assert len(rows) == 120
    assert [turn["role"] for turn in rows[0]["messages"]] == ["system", "user", "assistant"]
    assert other.status_code == 403


def test_an_export_of_what_is_wanted(opened: Opened) -> None:
    """Written whole, with the newest under a name of its own; what nobody has is said."""
    with opened() as client:
        made = client.post(
            "/dataset/export", json={"intents": ["c"], "date_range": {"from": "2026-05-01", "to": "2026-05-10"}}
        ).json()
        listed = client.post("/dataset/export", json={"date_range": ["2026-05-01", "2026-05-01"]}).json()
        nothing = client.post("/dataset/export", json={"intents": ["zzz"]})
        wrong = client.post("/dataset/export", json={"min_confidence": 7})

    path = Path(made["dataset_uri"])
    assert path.name.startswith("training-dataset-2")
    assert 0 < made["rows"] < 120
    assert len(path.read_text("utf-8").splitlines()) == made["rows"]
    assert (path.parent / "training-dataset-latest.jsonl").read_text("utf-8") == Path(listed["dataset_uri"]).read_text(
        "utf-8"
    )
    assert nothing.status_code == 404
    assert wrong.status_code == 400
