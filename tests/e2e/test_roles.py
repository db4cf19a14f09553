"""`afina bootstrap` as a process that is killed, and a chain in a terminal's place."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.roles import note_role

pytestmark = pytest.mark.e2e
COMMAND = [
    sys.executable, "-m", "afina", "bootstrap", "note", "--base", "semilla", "--language", "es", "--examples", "24",
    "--min-examples", "12", "--calls", "12", "--minutes", "0.1", "--min-score", "0", "--json",
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
