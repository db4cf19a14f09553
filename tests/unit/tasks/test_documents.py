"""Texts in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from afina.curate import curate
from afina.records import Exchange, FeedbackKind, Turn
from afina.tasks.documents import pieces
from tests.tasks import task_of

TASK = task_of("documents", task={"chunk_chars": 100}, curate={"min_chars": 5})
texts = st.text(st.sampled_from("ab .!\n"), max_size=400)


@given(texts, st.integers(10, 80))
def test_no_word_is_lost_and_no_piece_too_long(text: str, most: int) -> None:
    """Whole documents, never truncated."""
    found = pieces(text, most=most)

    assert all(0 < len(piece) <= most for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_paragraphs_stay_whole_where_they_fit() -> None:
    """Two short ones share a piece; a long one is parted at its sentences."""
    long = "Una frase. " * 12
    found = pieces(f"uno\n\ndos\n\n{long}", most=60)

    assert found[0].startswith("uno\n\ndos")
    assert all(piece.endswith("frase.") for piece in found)


def test_pieces_of_one_document_stay_together() -> None:
    """They are one group, and each is an example of its own."""
    exchange = Exchange(
        id="d1",
        turns=(Turn("user", " ".join(f"Una frase de prueba, la número {n}." for n in range(20))),),
        answer="",
        group="manual.md",
    )

    curated = curate([exchange], TASK)

    assert len(curated.examples) > 3
    assert {e.group for e in curated.examples} == {"manual.md"}
    assert len({e.id for e in curated.examples}) == len(curated.examples)
    assert all(not e.turns for e in curated.examples)


def test_a_reviewed_answer_becomes_a_text_and_an_unreviewed_one_nothing() -> None:
    """Question and right answer, as they would stand in a manual."""
    asked = (Turn("user", "¿Cuánto pesa la caja?"),)
    corrected = Exchange(
        id="1", turns=asked, answer="No sé.", kind=FeedbackKind.CORRECTED, value={"answer": "Dos kilos."}
    )

    curated = curate([corrected, Exchange(id="2", turns=asked, answer="No sé.")], TASK)

    assert [e.answer for e in curated.examples] == ["¿Cuánto pesa la caja?\nDos kilos."]
