"""Two languages."""

import ast
import re
from pathlib import Path

import pytest

from afina import cli
from afina.cli.demo import INTRODUCTION
from afina.cli.main import COMMANDS, SHORT_HELP
from afina.cli.words import pick_language, spanish

FOLDER = Path(str(cli.__file__)).parent


def said() -> set[str]:
    """Every literal text the commands translate."""
    found = {*SHORT_HELP.values(), *INTRODUCTION}
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t"
            if is_call and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def test_everything_said_has_a_spanish_form() -> None:
    """With the same code words in backquotes."""
    table = spanish()
    for english in said():
        assert english in table, english
        assert set(re.findall(r"`[^`]+`", english)) == set(re.findall(r"`[^`]+`", table[english])), english


@pytest.mark.parametrize(
    ("arguments", "environment", "system", "language"),
    [
        (["--lang", "es"], {"LANG": "en_US"}, None, "es"),
        (["--lang=en"], {"LANG": "es_CL.UTF-8"}, None, "en"),
        ([], {"AFINA_LANG": "es", "LANG": "en"}, None, "es"),
        ([], {"LANG": "es_CL.UTF-8"}, None, "es"),
        ([], {}, "es_CL", "es"),
        ([], {"LANG": "C"}, None, "en"),
    ],
)
def test_the_language_is_the_nearest_choice(
    arguments: list[str], environment: dict[str, str], system: str | None, language: str
) -> None:
    """Flag, own variable, locale, English."""
    assert pick_language(arguments, environment, system) == language


def test_every_command_has_a_short_help() -> None:
    """The overview shows them all."""
    assert list(SHORT_HELP) == list(COMMANDS)
