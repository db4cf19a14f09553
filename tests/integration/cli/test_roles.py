"""Roles from the command line, on the built-in base and a small role of a project's own."""

import json
from pathlib import Path

from click.testing import CliRunner

from afina.cli.roles import roles_command
from afina.cli.synth import synth_command
from afina.flows.concepts import questions_from
from afina.flows.role_space import open_space
from afina.roles import find_role
from afina.roles.artifacts import as_yaml
from tests.integration.roles import said


def test_a_rated_run(note_project: Path) -> None:
    """A role of one's own writes its file; the run can be rated at once and again."""
    run = json.loads(said(roles_command, "note", "Una libreta de gastos para el barrio", "--json", "--rating", "5"))
    assert (note_project / "planning" / "note.yaml").is_file()
    assert [point["id"] for point in run["artifact"]["points"]][:2] == ["P001", "P002"]
    listed = json.loads(said(roles_command, "runs", "note", "--json"))
    assert (listed["runs"], listed["mean"], listed["list"][0]["run"]) == (1, 5.0, run["run"])
    assert "1 good ones so far" in said(roles_command, "rate", "note", "last", "4")
    assert json.loads(said(roles_command, "report", "note", "--json"))["months"][0]["stars"] == 4.0
    said(roles_command, "report", "note", "--out", "page.html")
    assert "semilla" in (note_project / "page.html").read_text("utf-8")


def test_a_role_that_reads_others_is_told_what_it_lacks(note_project: Path) -> None:
    """The file that must be there, and how it is made; the same for its examples."""
    del note_project
    done = CliRunner().invoke(roles_command, ["po"])
    assert "requirements.yaml: no such file" in str(done.exception)
    done = CliRunner().invoke(synth_command, ["po"])
    assert "po reads what ba writes" in str(done.exception)
    assert "Usage" in CliRunner().invoke(synth_command, ["note"]).output


def test_examples_of_one_role_are_questions_to_the_next(note_project: Path) -> None:
    """Document 001's 8.6: the owner is asked what the analyst wrote."""
    ba = open_space("ba", note_project)
    rows = [{"id": seed.id, "text": seed.question, "expected": seed.text} for seed in ba.role.seeds()[:3]]
    (note_project / "ba.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = questions_from(open_space("po", note_project), {"ba": note_project / "ba.jsonl"})
    assert [one.id for one in found] == ["ba-01", "ba-02", "ba-03"]
    assert found[0].question.startswith("requirements:\ntitle: ")


def test_spec_kit_and_bmad_are_written(note_project: Path) -> None:
    """From files, without a model."""
    (note_project / "planning").mkdir()
    for name, file in (("ba", "requirements"), ("po", "product"), ("architect", "architecture")):
        answer = find_role(name, project=note_project).seeds()[0].answer
        (note_project / "planning" / f"{file}.yaml").write_text(as_yaml(answer), "utf-8")
    said(roles_command, "export", "spec-kit")
    said(roles_command, "export", "bmad", "--output", "prd.md")
    assert "- **FR-001**: " in (note_project / "planning" / "spec.md").read_text("utf-8")
    assert "## Epic List" in (note_project / "prd.md").read_text("utf-8")
