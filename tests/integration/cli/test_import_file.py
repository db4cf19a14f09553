"""`afina import` of other tools' exports."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.import_file import import_command
from afina.flows.project import Project
from afina.settings import Settings
from afina.store.paths import Paths

CHATS = Path(__file__).parents[2] / "data" / "importers" / "openwebui" / "all-chats-export-1772300000000.json"


def test_a_preview_stores_nothing_and_an_import_says_what_it_did(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file, looked at and then taken in."""
    monkeypatch.setattr("afina.cli.import_file.open_project", lambda _: project)
    monkeypatch.setattr("afina.cli.import_file.read_project", lambda _: (project.paths, project.settings))
    run = CliRunner().invoke
    look = json.loads(run(import_command, [str(CHATS), "--preview", "--json"]).stdout)
    assert (look["kind"], look["answers"], len(look["first"])) == ("openwebui", 9, 5)
    with project.session() as session:
        assert session.execute("SELECT 1 FROM app.interactions").fetchone() is None
    done = json.loads(run(import_command, [str(CHATS), "--json"]).stdout)

    assert done["added"] == look["answers"]
    assert "answers in" in run(import_command, [str(CHATS), "--preview"]).output


def test_a_mapping_is_a_field_and_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no FIELD=COLUMN is said with the fields there are."""
    monkeypatch.setattr("afina.cli.import_file.read_project", lambda _: (Paths(tmp_path), Settings()))
    file = tmp_path / "a.csv"
    file.write_text("a,b\n¿abren?,sí\n")
    run = CliRunner().invoke

    assert "FIELD=COLUMN" in str(run(import_command, [str(file), "--preview", "--map", "texto=a"]).exception)
    look = json.loads(
        run(import_command, [str(file), "--preview", "--json", "--map", "text=a", "--map", "answer=b"]).stdout
    )
    assert (look["kind"], look["answers"], look["without_id"]) == ("table", 1, 1)
