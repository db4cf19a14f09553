"""`afina curate`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.curate import curate_command
from afina.flows.project import Project


def test_steps_reasons_and_one_rows_way(people: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a project and of a file; for people and for scripts."""
    monkeypatch.setattr("afina.cli.curate.open_project", lambda _: people)
    run = CliRunner().invoke
    found = json.loads(run(curate_command, ["--json"]).stdout)

    assert (found["kept"], found["rejected"], found["reused"]) == (120, 0, 120)
    assert [step["name"] for step in found["steps"]][:3] == ["collect", "rules", "quality"]
    example = people.ledger.kept()[0]
    assert "passed: collect, rules" in run(curate_command, ["--explain", example.id]).output
    [told] = json.loads(run(curate_command, ["--explain", example.source, "--json"]).stdout)
    assert told["kept"]
    assert "never judged" in str(run(curate_command, ["--explain", "exa_x"]).exception)
    file = tmp_path / "a.csv"
    file.write_text("text,label\nuna pregunta de envío,a\nx,b\n", "utf-8")
    arguments = ["--input", str(file), "--label", "label", "--output", str(tmp_path / "o.jsonl")]
    assert "shorter than 2 characters" in run(curate_command, arguments).output
    assert (tmp_path / "o.jsonl").read_text("utf-8").count("\n") == 1
    [way] = json.loads(run(curate_command, [*arguments, "--explain", "3", "--json"]).stdout)
    assert (way["step"], way["passed"]) == ("rules", ["collect"])
    assert "need --input" in run(curate_command, ["--output", "x"]).output
