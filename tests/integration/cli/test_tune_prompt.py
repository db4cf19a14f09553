"""`afina tune-prompt`, on the built-in base and a small role of a project's own."""

from pathlib import Path

from click.testing import CliRunner

from afina.cli.tune_prompt import tune_prompt_command


def test_what_was_found_is_printed_and_kept(note_project: Path) -> None:
    """The instructions for a person to read; the program where the role looks for it."""
    done = CliRunner().invoke(tune_prompt_command, ["note", "--calls", "8", "--language", "es"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Escribe una nota" in done.output
    assert (note_project / ".afina" / "roles" / "note" / "program.json").is_file()


def test_a_model_that_is_not_there_is_named(note_project: Path) -> None:
    """Before anything is searched."""
    del note_project
    done = CliRunner().invoke(tune_prompt_command, ["note", "--model", "nobody.gguf", "--language", "es"])
    assert "nobody.gguf: no such file" in str(done.exception)
