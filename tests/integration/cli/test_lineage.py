"""`afina why`, `afina reached`."""

import json

import pytest
from click.testing import CliRunner

from afina.cli.lineage import reached_command, why_command
from afina.flows.project import Project


def test_a_tree_for_people_and_one_for_scripts(people: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five of a kind, how many more there are, and all of them where that is wanted."""
    monkeypatch.setattr("afina.cli.lineage.open_project", lambda _: people)
    run = CliRunner().invoke

    shown = run(why_command, ["v1"]).output
    assert "115 more: --all" in shown
    assert shown.count("example ") == 5
    assert "more: --all" not in run(why_command, ["v1", "--all"]).output
    value = json.loads(run(reached_command, ["u7", "--json"]).stdout)
    assert (value["kind"], len(value["behind"])) == ("user", 3)
