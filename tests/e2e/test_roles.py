"""`afina bootstrap` and `afina roles chain` as processes that are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.roles import LINKS, note_role, small_chain

pytestmark = pytest.mark.e2e
COMMAND = [
    sys.executable, "-m", "afina", "bootstrap", "note", "--base", "semilla", "--language", "es", "--examples", "24",
    "--min-examples", "12", "--calls", "24", "--minutes", "0.1", "--min-score", "0", "--json",
]  # fmt: skip


def test_a_bootstrap_that_is_killed_goes_on_and_asks_nobody_twice(tmp_path: Path) -> None:
    """kill -9 as soon as it has answers; then to its end; a verdict's exit code, pages, a report."""
    note_role(tmp_path)
    answers = tmp_path / ".afina" / "roles" / "note" / "answers.jsonl"
    killed = 0
    for wanted in (6, 20):
        with subprocess.Popen(
            COMMAND, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            deadline = time.monotonic() + 240
            while process.poll() is None and time.monotonic() < deadline:
                if answers.is_file() and answers.read_bytes().count(b"\n") >= wanted:
                    os.killpg(process.pid, signal.SIGKILL)
                    killed += 1
                    break
                time.sleep(0.02)
    before = answers.read_bytes().count(b"\n")
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True)
    assert killed == 2
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    expected = {"go": 0 if report["go"] else 1, "no-go": 1, "cannot tell": 2}
    assert done.returncode == expected[report["outcome"]]
    rows = [
        json.loads(line)
        for line in answers.read_text("utf-8").splitlines()
        if line.startswith("{") and line.endswith("}")
    ]
    assert len({row["key"] for row in rows}) == len(rows) >= before - 2
    folder = tmp_path / ".afina" / "roles" / "note" / "bootstrap"
    assert (folder / "report.md").read_text("utf-8").startswith("# note: ")
    assert (folder / "verdict.html").is_file()


def test_a_chain_that_is_killed_goes_on_behind_its_last_link(tmp_path: Path) -> None:
    """kill -9 as soon as the first file is there; then to its end with a model, then again with nobody asked."""
    small_chain(tmp_path)
    planning = tmp_path / "planning"
    command = [
        sys.executable,
        "-m",
        "afina",
        "roles",
        "chain",
        "Una libreta de gastos para el barrio",
        "--model",
        "semilla",
        "--json",
    ]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 240
        while process.poll() is None and time.monotonic() < deadline and not (planning / "chain.json").is_file():
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    before = (planning / "requirements.yaml").read_bytes()
    for again in (False, True):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert list(told) == list(LINKS)
        assert [one["kept"] for one in told.values()] == ([True] * 5 if again else [True, *[False] * 4])
    assert {path.stem for path in planning.glob("*.yaml")} == {file for file, _ in LINKS.values()}
    assert (planning / "requirements.yaml").read_bytes() == before
