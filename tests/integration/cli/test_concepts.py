"""`afina concepts`, on the built-in base and a small role of a project's own."""

import json
from pathlib import Path

from click.testing import CliRunner

from afina.cli.concepts import concepts_command


def test_a_model_may_have_the_ideas(note_project: Path) -> None:
    """The built-in base has few: what it repeats is refused and told, the rest comes from the words."""
    done = CliRunner().invoke(
        concepts_command,
        ["note", "--count", "6", "--language", "es", "--model", "semilla", "--json"],
        catch_exceptions=False,
    )
    told = json.loads(done.stdout)
    assert (told["concepts"], told["unique"]) == (6, 1.0)
    rows = [
        json.loads(line)
        for line in (note_project / ".afina" / "roles" / "note" / "concepts.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(rows) == 6


def test_what_has_no_words_is_refused(note_project: Path) -> None:
    """With those there are."""
    del note_project
    done = CliRunner().invoke(concepts_command, ["note", "--domains", "law"])
    assert "no words for the domain 'law'" in str(done.exception)
