"""`afina models`, `afina models show`."""

import json

import pytest
from click.testing import CliRunner

from afina.cli.models import models_command
from afina.flows.project import Project
from tests.unit.verdict.test_judge import arm, verdict


def test_everything_that_is_known_of_a_version(people: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file, its dataset, its run, its verdict; what is gone is said."""
    monkeypatch.setattr("afina.cli.models.open_project", lambda _: people)
    version = people.ledger.version("v1")
    people.ledger.change_card(version.id, {**version.card, "dataset": people.ledger.dataset().id})
    people.ledger.save_verdict(verdict(arm("base", 0), arm("tuned", 60)), version.id, people.ledger.dataset().id)
    run = CliRunner().invoke

    listed = run(models_command, []).output
    shown = run(models_command, ["show", "v1"]).output
    value = json.loads(run(models_command, ["show", "--json"]).stdout)

    assert "v1" in listed
    assert "the file is gone" in shown
    assert "go: tuned is better than base" in shown
    assert "afina why v1" in shown
    assert value["dataset"]["train"] > 0
    assert value["run"]["state"] == "done"
    assert (value["verdict"]["outcome"], value["rollouts"], value["file"]["bytes"]) == ("go", [], None)
    assert run(models_command, ["show", "v9"]).exit_code == 1
