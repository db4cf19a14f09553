"""`afina tune-prompt`, on the built-in base and a small role of a project's own."""

from pathlib import Path

from click.testing import CliRunner

from afina.cli.tune_prompt import tune_prompt_command


def test_what_was_found_is_printed_and_kept(note_project: Path) -> None:
    """The instructions for a person to read; the program where the role looks for it, only if it is surely better."""
    search = ["note", "--calls", "8", "--questions", "4", "--language", "es"]
    done = CliRunner().invoke(tune_prompt_command, search, catch_exceptions=False)
    assert done.exit_code == 0
    assert "Escribe una nota" in done.output
    folder = note_project / ".afina" / "roles" / "note"
    assert not (folder / "program.json").exists()  # two questions that confirm cannot say so: p is 0.25 at best
    assert (folder / "program-found.json").is_file()


def test_a_search_with_too_few_answers_is_refused(note_project: Path) -> None:
    """Before a model is opened: nothing is asked."""
    search = ["note", "--calls", "8", "--questions", "5", "--language", "es"]
    done = CliRunner().invoke(tune_prompt_command, search)
    assert "--calls 8: 5 questions need 10 answers" in str(done.exception)
    assert not (note_project / ".afina" / "roles" / "note" / "answers.jsonl").exists()


def test_a_model_that_is_not_there_is_named(note_project: Path) -> None:
    """Before anything is searched."""
    del note_project
    done = CliRunner().invoke(tune_prompt_command, ["note", "--model", "nobody.gguf", "--language", "es"])
    assert "nobody.gguf: no such file" in str(done.exception)
