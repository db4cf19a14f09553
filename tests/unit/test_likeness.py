"""Near copies among many texts: found by digests, verified on the texts."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.likeness import alike, better_copies, distinct, near_pairs

words = st.lists(
    st.sampled_from(
        ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce"]
    ),
    min_size=4,
    max_size=14,
)
texts = st.lists(words.map(" ".join), max_size=25)
STRANGE = ["", " ", "a", "😀😀😀", "مرحبا كيف حالك اليوم", "שלום", "\ud800 half", "\u200f\u200b", "x" * 300_000]


@given(texts)
@settings(deadline=None, max_examples=60)
def test_what_is_said_to_be_alike_is_and_little_is_missed(said: list[str]) -> None:
    """Every pair found is over the threshold; of those over it a hash may miss one in five hundred, here none at 0.95."""
    found = set(near_pairs(said, threshold=0.8))
    right = {(a, b): alike(said[a], said[b]) for a, b in itertools.combinations(range(len(said)), 2)}

    assert all(right[pair] >= 0.8 for pair in found)
    assert {pair for pair, how in right.items() if how >= 0.95} <= found


@given(texts)
@settings(deadline=None, max_examples=40)
def test_what_stays_has_no_near_copy_before_it(said: list[str]) -> None:
    """And what goes has one that stays."""
    kept = distinct(said, threshold=0.8)

    gone = [at for at in range(len(said)) if at not in kept]
    assert all(any(alike(said[at], said[one]) >= 0.8 for one in kept if one < at) for at in gone)


def test_a_copy_that_went_takes_nobody_with_it() -> None:
    """1 is near 0, 2 is near 1 and not near 0: 2 stays."""
    assert better_copies([(0, 1), (1, 2)]) == {1: 0}


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_strange_texts_are_compared_like_others(text: str) -> None:
    """Emoji, right to left, half a character, nothing at all, a third of a million characters."""
    assert near_pairs(["hola, ¿dónde está mi pedido?", text, text], threshold=0.9) == [(1, 2)]


def test_case_and_blanks_make_no_difference() -> None:
    """They are one message."""
    assert alike("¿Dónde  está mi pedido?", "¿DÓNDE está mi pedido?") == 1
