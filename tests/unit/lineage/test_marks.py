"""By which strings a person's words are known again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.lineage.marks import WINDOW, Marks

OWN = "vivo en la casa azul de la calle larga número doce"
texts = st.text(min_size=1, max_size=80)


@given(texts, texts, texts)
def test_a_text_is_found_wherever_it_stands(own: str, before: str, behind: str) -> None:
    """As it is, and as JSON writes it, with escapes or without."""
    marks = Marks.made([own])

    if len(own.encode("utf-8", "surrogatepass")) >= WINDOW:
        assert marks.in_text(before + own + behind)
        assert marks.in_chunks([json.dumps([before + own + behind]).encode()])


def test_a_piece_is_enough_and_a_shorter_one_is_not() -> None:
    """Twenty-four bytes in a row."""
    marks = Marks.made([OWN])

    assert marks.in_text(f"… {OWN[5:40]} …")
    assert not marks.in_text(OWN[: WINDOW - 2])


def test_what_others_wrote_too_is_no_mark() -> None:
    """A sentence that everybody writes."""
    common = "quisiera saber dónde está mi pedido"
    marks = Marks.made([common, OWN]).without([f"hola, {common}, gracias"])

    assert not marks.in_text(common)
    assert marks.in_text(OWN)
    assert len(Marks.made([common]).without([common])) == 0


@pytest.mark.parametrize("cut", range(1, 50, 7))
def test_a_text_over_two_chunks_is_found(cut: int) -> None:
    """Files are read a megabyte at a time."""
    raw = OWN.encode()

    assert Marks.made([OWN]).in_chunks([b"x" * 100 + raw[:cut], raw[cut:] + b"y"])
