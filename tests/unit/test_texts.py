"""Two languages: one catalogue for everything that people read."""

import re
from collections import Counter

import pytest

from afina.cli.demo import INTRODUCTION
from afina.cli.main import COMMANDS, SHORT_HELP
from afina.cli.terminal import METRIC_NAMES
from afina.records import Outcome
from afina.texts import PLACE, catalogue, pick_language, t
from tests.catalogue import PO, as_text, compiled, messages, read_catalogue, written_catalogue


def test_the_catalogue_is_the_sources() -> None:
    """`python -m tests.catalogue` would change nothing, and the compiled file is of this text."""
    known = read_catalogue()
    assert PO.read_bytes() == as_text(written_catalogue(known)), "run: python -m tests.catalogue"
    assert catalogue("es") == compiled(known), "run: python -m tests.catalogue"


def test_everything_that_people_read_has_a_spanish_form() -> None:
    """With the same places, the same named values and the same code words in backquotes."""
    spanish = catalogue("es")
    terms = {*SHORT_HELP.values(), *INTRODUCTION, *METRIC_NAMES.values(), *(one.value for one in Outcome)}
    for english in {*messages(), *terms}:
        assert english in spanish, english
        for mark in (PLACE, re.compile(r"{\w+}"), re.compile(r"`[^`]+`")):
            assert Counter(mark.findall(english)) == Counter(mark.findall(spanish[english])), english


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("error", "error"),
        ("B is better than A on score.", "B es mejor que A en score."),
        ("/tmp/a b.jsonl, line 3: `id`: not given", "/tmp/a b.jsonl, línea 3: `id`: falta"),
        ("/x, line 3: `choice`: Input should be 'left', 'right' or 'tie', not 'both'", None),
        (
            "dat_1: 9 train, 2 validation, 7 test, 3 of these known from training",
            "dat_1: 9 de entrenamiento, 2 de validación, 7 de prueba, 3 de estos ya conocidos del entrenamiento",
        ),
        ("what no catalogue knows: 3 of 4", "what no catalogue knows: 3 of 4"),
        ("", ""),
    ],
)
def test_a_sentence_with_values_is_found_by_its_shape(english: str, spanish: str | None) -> None:
    """Values stay what they are; sentences inside sentences are translated too."""
    said = t(english, "es")
    assert t(english, "en") == english
    if spanish is None:
        assert "línea 3" in said
        assert "'left', 'right' o 'tie'" in said
    else:
        assert said == spanish


def test_a_hostile_sentence_takes_no_time() -> None:
    """A long text full of the pieces of many messages is answered at once."""
    assert t("{0}: " * 200 + ", line " * 200 + "x", "es")


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
