"""`afina catalogue`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.catalogue import catalogue_command
from afina.flows.project import Project


def test_import_again_and_list(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known product is changed; with --replace what the file lacks goes."""
    monkeypatch.setattr("afina.cli.catalogue.open_project", lambda _: project)
    file = tmp_path / "a.csv"
    run = CliRunner().invoke
    file.write_text("sku,name,price\n1,Taza,5990\n2,Plato,3990\n")
    assert json.loads(run(catalogue_command, ["import", str(file), "--json"]).stdout) == {
        "added": 2,
        "known": 0,
        "deleted": 0,
    }
    file.write_text("sku,name,price\n1,Taza,6990\n")
    assert "0 new, 1 known, 1 deleted" in run(catalogue_command, ["import", str(file), "--replace"]).output
    [only] = json.loads(run(catalogue_command, ["list", "--json"]).stdout)

    assert (only["id"], only["price"]) == ("1", 6990)
    assert "Taza" in run(catalogue_command, ["list"]).output
