"""When two texts are the same depends on what is asked."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.sameness import answer_key, composed, label, label_variant, message_key, same_json, words

anything = st.text()


@given(anything)
def test_the_unicode_form_never_counts(text: str) -> None:
    """A text decomposed by one keyboard and composed by another is one text to every question."""
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]

    for question in (message_key, answer_key, label, label_variant, words):
        assert question(forms[0]) == question(forms[1]), question


@given(anything)
def test_keys_are_stable(text: str) -> None:
    """A key of a key is the key: what is kept once is kept again."""
    for key in (label, label_variant):
        assert key(key(text)) == key(text)


@given(st.characters(categories=["Sm", "So", "Sc", "Sk"]), st.characters(categories=["Sm", "So", "Sc", "Sk"]))
def test_other_signs_are_other_texts(one: str, other: str) -> None:
    """Whatever signs: only those that Unicode itself calls equal are."""
    if unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other):
        assert message_key(f"a {one} b") != message_key(f"a {other} b") or {one, other} <= {"\u2212", "-"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sí.", "sí"), ("  uno\n dos ", "uno dos"), ("it’s", "it's"), ("👍\ufe0f", "👍"), ("a\u00a0b", "a b")],
)
def test_answers_that_are_one(one: str, other: str) -> None:
    """What a person would not call another answer."""
    assert answer_key(one) == answer_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", "👍"),
        ("", "?"),
        ("👍", "👎"),
        ("-2", "2"),
        ("0+2", "0-2"),
        ("?", "!"),
        ("C", "C++"),
        ("C#", "C++"),
        ("año", "ano"),
        ("si", "sí"),
        ("क", "कि"),
        (".", ""),
        ("1.5", "15"),
        ("$5", "€5"),
        ("no...", "no"),
    ],
)
def test_answers_that_differ(one: str, other: str) -> None:
    """A model that says the other one is wrong."""
    assert answer_key(one) != answer_key(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¡El CAMIÓN llegó!", ["el", "camion", "llego"]),
        ("C++ y C#", ["c++", "y", "c#"]),
        ("0-2", ["0", "-", "2"]),
        ("0+2", ["0", "+", "2"]),
        ("bien-hecho", ["bien", "hecho"]),
        ("👍", ["👍"]),
        ("?!", []),
        ("mañana", ["mañana"]),
        ("हिन्दी है", ["हिन्दी", "है"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Words, signs and emoji; punctuation that says nothing is none."""
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ({"a": [1]}, {"a": [True]}, False),
        ("é", "e\u0301", True),
        (None, "", False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
    ],
)
def test_json_values(one: object, other: object, equal: bool) -> None:
    """Python alone would say that true is 1."""
    assert same_json(one, other) is equal


def test_a_long_run_of_marks_takes_no_time() -> None:
    """100,000 of them took nine seconds, in which no other thread ran; the result of ordinary texts is Unicode's own."""
    began = time.monotonic()
    composed("a" + "\u0301\u0316" * 100_000)

    assert time.monotonic() - began < 2
    assert composed("e\u0301" * 1000) == "é" * 1000
