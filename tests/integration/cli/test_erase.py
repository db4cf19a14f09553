"""`afina erase`."""

import json

import pytest
from click.testing import CliRunner

from afina.cli.erase import erase_command
from afina.flows.project import Project


def test_looked_at_asked_and_done(people: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """--dry-run and a no change nothing; afterwards nobody of the name is known."""
    monkeypatch.setattr("afina.cli.erase.open_project", lambda _: people)
    run = CliRunner().invoke

    found = json.loads(run(erase_command, ["--user", "u7", "--dry-run", "--json"]).stdout)
    assert found["held"]["interactions"] == 3
    assert run(erase_command, ["--user", "u7"], input="n\n").exit_code == 1
    done = run(erase_command, ["--user", "u7", "--yes"])
    assert done.exit_code == 0
    assert "no trace left" in done.output
    assert "write-ahead log" in done.output
    assert "nobody is called 'u7'" in str(run(erase_command, ["--user", "u7", "--dry-run"]).exception)
