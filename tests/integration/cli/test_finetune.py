"""`afina finetune`."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from afina.cli.finetune import finetune_command
from afina.flows.project import Project


@pytest.fixture
def here(people: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project of forty people."""
    monkeypatch.setattr("afina.cli.finetune.open_project", lambda *_, **__: people)
    return people


def test_started_queued_and_told(here: Project) -> None:
    """With its notes; the job waits for a worker, once."""
    run = CliRunner().invoke

    started = run(finetune_command, ["start", "--notes", "spring", "--json"])
    found = json.loads(started.stdout)
    shown = run(finetune_command, ["status", found["id"]]).output

    assert (found["status"], found["notes"]) == ("queued", "spring")
    assert shown.split()[:2] == [found["id"], "queued"]
    with psycopg.connect(here.dsn, options="-c search_path=queue") as connection:
        jobs = connection.execute("SELECT task_name, args ->> 'run' FROM procrastinate_jobs").fetchall()
    assert jobs == [("finetune", found["id"])]


def test_what_cannot_work_is_refused_now(here: Project) -> None:
    """An unknown dataset, an unknown run."""
    run = CliRunner().invoke

    assert "dat_none" in str(run(finetune_command, ["start", "--dataset", "dat_none"]).exception)
    assert run(finetune_command, ["status", "run_none"]).exit_code == 1
    with psycopg.connect(here.dsn, options="-c search_path=queue") as connection:
        assert connection.execute("SELECT 1 FROM procrastinate_jobs").fetchall() == []
