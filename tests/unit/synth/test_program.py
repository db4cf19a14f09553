"""Programs as files."""

from pathlib import Path

import pytest

from afina.errors import InputError
from afina.synth.program import Program, read_program, write_program


def test_a_program_comes_back_as_it_was(tmp_path: Path) -> None:
    """With its examples and what the search said of itself."""
    program = Program(role="ba", instructions="Write ñ.", examples=(("q", "a"),), found={"score": 0.5})
    write_program(tmp_path / "p.json", program)
    assert read_program(tmp_path / "p.json", role="ba") == program
    assert [turn.role for turn in program.turns("now", "told")] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "p.json"),
        ("{", "p.json"),
        ('{"role": "ba"}', "`instructions`: not given"),
        ('{"role": "qa", "instructions": "x"}', "the role 'qa'"),
    ],
)
def test_a_malformed_program_is_named(text: str, said: str, tmp_path: Path) -> None:
    """File and key; another role's is refused."""
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_program(tmp_path / "p.json", role="ba")
