"""`afina tune-prompt` and `afina synth`, on the built-in base and a small role of a project's own."""

import json
from pathlib import Path

from click.testing import CliRunner

from afina.cli.concepts import concepts_command
from afina.cli.synth import synth_command
from afina.cli.tune_prompt import tune_prompt_command
from tests.integration.roles import said


def test_from_concepts_to_examples(note_project: Path) -> None:
    """Each step alone, each with its file; a second search asks nobody."""
    told = json.loads(
        said(concepts_command, "note", "--count", "8", "--language", "es", "--output", "c.jsonl", "--json")
    )
    assert (told["concepts"], told["unique"]) == (8, 1.0)
    search = ["note", "--calls", "16", "--concepts", "c.jsonl", "--json"]
    first = json.loads(said(tune_prompt_command, *search))
    again = json.loads(said(tune_prompt_command, *search))
    assert first["asked"] > 0
    assert (again["asked"], again["score"]) == (0, first["score"])
    assert first["score"] >= first["start"]
    assert Path(first["file"]).name == ("program.json" if first["taken"] else "program-found.json")
    assert Path(first["file"]).is_file()

    wrote = said(
        synth_command,
        "note",
        "--concepts",
        "c.jsonl",
        "--min-examples",
        "4",
        "--min-score",
        "0",
        "--output",
        "s",
        "--json",
    )
    made = json.loads(wrote)
    assert made["kept"] >= 4
    assert made["train"] + made["validation"] == made["kept"]
    assert len((note_project / "s" / "candidates.jsonl").read_text("utf-8").splitlines()) == 8


def test_too_few_good_examples_are_an_error_with_what_helps(note_project: Path) -> None:
    """The candidates are kept to look at."""
    said(concepts_command, "note", "--count", "4", "--language", "es", "--output", "c.jsonl")
    done = CliRunner().invoke(synth_command, ["note", "--concepts", "c.jsonl", "--rounds", "1", "--min-score", "1"])
    assert "examples of 4 were good enough, 100 are asked for" in str(done.exception)
    assert (note_project / ".afina" / "roles" / "note" / "synthetic" / "candidates.jsonl").is_file()
