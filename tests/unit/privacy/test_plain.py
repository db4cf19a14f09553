"""The plain form reads what was hidden and finds its way back."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.privacy.plain import plain


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_both_forms_are_as_long_and_lead_back(text: str) -> None:
    """Whatever is typed, half surrogates included: every offset of the plain form is one of the text."""
    read = plain(text)

    assert len(read.text) == len(read.low)
    for at in range(len(read.text)):
        start, end = read.span(at, at + 1)
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    ("written", "low"),
    [
        ("１２３", "123"),
        ("١٢٣", "123"),
        ("12\u200b3", "123"),
        ("a\u00a0b–c", "a b-c"),
        ("ÑANDÚ", "nandu"),
        (unicodedata.normalize("NFD", "José"), "jose"),
    ],
)
def test_digits_blanks_dashes_and_accents_are_one(written: str, low: str) -> None:
    """Full-width and Arabic digits, invisible characters, hard blanks, long dashes, both forms of an accent."""
    assert plain(written).low == low


def test_an_accent_that_was_dropped_goes_with_its_letter() -> None:
    """A finding that ends in a decomposed é takes the accent with it."""
    written = unicodedata.normalize("NFD", "soy José.")

    assert written[slice(*plain(written).span(4, 8))] == unicodedata.normalize("NFD", "José")
