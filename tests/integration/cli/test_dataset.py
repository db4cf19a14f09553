"""`afina dataset`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.dataset import dataset_command
from afina.flows.project import Project


def test_list_show_export_check_and_diff(people: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was edited by hand is found; a dataset differs from itself in nothing."""
    monkeypatch.setattr("afina.cli.dataset.open_project", lambda _: people)
    run = CliRunner().invoke
    [one] = json.loads(run(dataset_command, ["list", "--json"]).stdout)
    card = json.loads(run(dataset_command, ["show", "--json"]).stdout)

    assert one["id"] == card["id"]
    assert sum(card["rows"].values()) == 120
    assert one["id"] in run(dataset_command, ["list"]).output
    assert "c.csv" in run(dataset_command, ["show"]).output
    for form in ("openai", "alpaca", "sharegpt", "kto", "parquet", "hf"):
        out = tmp_path / f"out.{form}"
        assert run(dataset_command, ["export", "--form", form, "--out", str(out)]).exit_code == 0
        assert out.exists()
    assert "no row in the form dpo" in str(
        run(dataset_command, ["export", "--form", "dpo", "--out", str(tmp_path / "d")]).exception
    )
    latest = json.loads(run(dataset_command, ["export", "--since", "2026-05-20", "--json"]).stdout)
    assert 0 < latest["rows"] < 120
    assert "as it was frozen" in run(dataset_command, ["check"]).output
    assert json.loads(run(dataset_command, ["diff", one["id"], "--json"]).stdout)["rows"] == []
    file = people.paths.dataset(one["id"]) / "test.jsonl"
    file.write_text(file.read_text("utf-8").replace("quisiera", "quiero", 1), "utf-8")
    assert "test.jsonl was changed since it was frozen" in str(run(dataset_command, ["check"]).exception)
