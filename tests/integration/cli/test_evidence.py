"""`afina evidence`."""

import json

import pytest
from click.testing import CliRunner

from afina.cli.evidence import evidence_command
from afina.flows.project import Project


def test_right_after_freezing_there_is_nothing_new(people: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2 says so to a script."""
    monkeypatch.setattr("afina.cli.evidence.open_project", lambda _: people)
    run = CliRunner().invoke

    done = run(evidence_command, ["--json"])
    assert done.exit_code == 2
    assert json.loads(done.stdout)["rows"] == 0
    assert "not enough new evidence: 0 new rows of 100" in run(evidence_command, []).output
