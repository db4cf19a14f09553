"""Queued training."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from afina.flows.project import Project
from afina.ids import RunId
from afina.jobs import defer_training, queue, run_worker

DONE = subprocess.CompletedProcess[str]([], 0, "", "")


def jobs(dsn: str) -> list[tuple[str, int]]:
    """(status, attempts) of every job."""
    with psycopg.connect(dsn, options="-c search_path=queue") as connection:
        return connection.execute("SELECT status::text, attempts FROM procrastinate_jobs ORDER BY id").fetchall()


def test_a_run_is_queued_once_and_worked_off(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The worker starts `afina train --run` in the project's folder."""
    called: list[list[str]] = []

    def record(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert options["cwd"] == tmp_path
        called.append(command)
        return DONE

    for _ in range(2):
        defer_training(project.dsn, client=project.client, run=RunId("run_1"))
    monkeypatch.setattr(queue, "run_giving_way", record)
    run_worker(project.dsn, folder=tmp_path, wait=False)

    assert [command[1:] for command in called] == [["-m", "afina", "train", "--run", "run_1"]]
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

    monkeypatch.setattr(queue, "run_giving_way", lambda *_a, **_o: DONE)
    run_worker(project.dsn, folder=tmp_path, wait=False)

    assert [status for status, _ in jobs(project.dsn)] == ["succeeded"]


def test_a_signal_stops_the_worker_and_its_job(project: Project, tmp_path: Path) -> None:
    """The job stops where it loses nothing and waits for the next worker; the worker ends without an error."""
    defer_training(project.dsn, client=project.client, run=RunId("run_1"))
    code = f"""
import sys
from pathlib import Path
from afina.jobs import queue, run_worker
queue.sys = type("Sys", (), {{"executable": "{tmp_path}/afina"}})
run_worker({project.dsn!r}, folder=Path({str(tmp_path)!r}))
print("over")
"""
    program = tmp_path / "afina"
    program.write_text("#!/bin/sh\necho $$ > started.partial; mv started.partial started\nexec sleep 60\n")
    program.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        while not (tmp_path / "started").exists():
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        out, _ = worker.communicate(timeout=20)

    assert out == "over\n"
    assert worker.returncode == 0
    assert not psutil.pid_exists(int((tmp_path / "started").read_text()))
    assert jobs(project.dsn) == [("todo", 1)]
