"""Queued training."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from afina.flows.project import Project
from afina.ids import RunId
from afina.jobs import defer_training, run_worker


def jobs(dsn: str) -> list[tuple[str, int]]:
    """(status, attempts) of every job."""
    with psycopg.connect(dsn, options="-c search_path=queue") as connection:
        return connection.execute("SELECT status::text, attempts FROM procrastinate_jobs ORDER BY id").fetchall()


def test_a_run_is_queued_once_and_worked_off(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The worker starts `afina train --run` in the project's folder."""
    called: list[list[str]] = []

    class Done:
        returncode, stderr = 0, ""

    def record(command: list[str], **options: object) -> Done:
        assert options["cwd"] == tmp_path
        called.append(command)
        return Done()

    for _ in range(2):
        defer_training(project.dsn, client=project.client, run=RunId("run_1"))
    monkeypatch.setattr(subprocess, "run", record)
    run_worker(project.dsn, folder=tmp_path, wait=False)

    assert [command[:3] for command in called] == [["nice", "-n", "10"]]  # what serves here goes first
    assert called[0][4:] == ["-m", "afina", "train", "--run", "run_1"]
    assert jobs(project.dsn) == [("succeeded", 1)]


def test_a_job_of_a_dead_worker_is_taken_up_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A job left `doing` by a worker that no longer says it lives."""
    defer_training(project.dsn, client=project.client, run=RunId("run_1"))
    with psycopg.connect(project.dsn, options="-c search_path=queue") as connection:
        connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '10 minutes')")
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
        )

    class Done:
        returncode, stderr = 0, ""

    monkeypatch.setattr(subprocess, "run", lambda *_a, **_o: Done())
    run_worker(project.dsn, folder=tmp_path, wait=False)

    assert [status for status, _ in jobs(project.dsn)] == ["succeeded"]
