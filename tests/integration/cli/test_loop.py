"""`afina loop`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.loop import loop_command
from afina.flows.project import Project
from afina.loop.entries import cron_entry, systemd_units


def test_what_it_would_do_what_it_did_and_a_page_of_it(
    people: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Planned, done once, written down, reported."""
    monkeypatch.setattr("afina.cli.loop.open_project", lambda _: people)
    monkeypatch.setattr("afina.cli.loop.ACTS", {})
    run = CliRunner().invoke

    planned = json.loads(run(loop_command, ["plan", "--json"]).stdout)
    once = json.loads(run(loop_command, ["--once", "--json"]).stdout)
    log = run(loop_command, ["log"]).output
    page = tmp_path / "r.html"
    written = run(loop_command, ["report", "--out", str(page)])
    value = json.loads(run(loop_command, ["report", "--json"]).stdout)

    assert planned["step"] == "evaluate"
    assert [one["step"] for one in once] == ["watch", "skip"], "nobody is there to do it"
    assert "the version was not judged" in log
    assert written.exit_code == 0, written.output
    assert page.with_suffix(".md").read_text("utf-8").startswith("# classify: ")
    assert value["task"] == "classify"


def test_entries_for_those_who_want_no_process_that_stays(people: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the project's folder and this Python; odd names are quoted."""
    monkeypatch.setattr("afina.cli.loop.open_project", lambda _: people)

    shown = CliRunner().invoke(loop_command, ["entry", "cron"]).output

    assert shown.startswith("*/10 * * * * ")
    assert "-m afina loop --once" in shown
    assert "cd '/a b\\%' && mkdir -p .afina/logs && $(command -v chrt" in cron_entry("python", Path("/a b%"))
    assert "WorkingDirectory=/a b\n" in systemd_units("python", Path("/a b"))
