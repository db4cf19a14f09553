"""`afina tune-prompt`, on the built-in base and a small role of a project's own."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.tune_prompt import tune_prompt_command
from tests.integration.roles import note_role


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the role."""
    monkeypatch.delenv("LOCAL_BASE_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    note_role(tmp_path)
    return tmp_path


def test_what_was_found_is_printed_and_kept(folder: Path) -> None:
    """The instructions for a person to read; the program where the role looks for it."""
    done = CliRunner().invoke(tune_prompt_command, ["note", "--calls", "8", "--language", "es"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Escribe una nota" in done.output
    assert (folder / ".afina" / "roles" / "note" / "program.json").is_file()


def test_a_model_that_is_not_there_is_named(folder: Path) -> None:
    """Before anything is searched."""
    del folder
    done = CliRunner().invoke(tune_prompt_command, ["note", "--model", "nobody.gguf", "--language", "es"])
    assert "nobody.gguf: no such file" in str(done.exception)
