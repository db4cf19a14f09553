"""`afina bootstrap`, on the built-in base and a small role of a project's own."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.bootstrap import bootstrap_command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ba", "--examples", "many"], "numbers with commas between"),
        (["ba", "--examples", "5"], "at least 10"),
        (["cto"], "no role 'cto'"),
        (["note", "--language", "en"], "is held out"),
    ],
)
def test_wrong_usage_of_a_bootstrap_is_no_verdict(
    arguments: list[str], words: str, note_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 65, and nothing is asked."""
    done = CliRunner().invoke(bootstrap_command, arguments)
    assert done.exit_code == 65
    assert words in done.output + capsys.readouterr().err
    assert not (note_project / ".afina" / "roles" / "note" / "answers.jsonl").exists()
