"""What a reaction says about an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.signals import score_turn

PLAIN = "La lámpara cuesta $24.990."
QUESTION = "¿La quieres con luz cálida o blanca?"


@pytest.mark.parametrize(
    ("reaction", "quality", "success"),
    [
        ("perfecto, gracias!", 5, False),
        ("me la llevo", 5, True),
        ("ok", 4, False),
        ("sí", 4, False),
        ("más detalles por favor", 3, False),
        ("no entiendo", 2, False),
        ("no me gusta", 1, False),
        ("no lo quiero", 1, False),
        ("NO ME GUSTÓ", 1, False),
        ("no, gracias", 1, False),
        ("I don't want it", 1, False),
        ("thanks, that's perfect", 5, False),
        ("me interesa, ¿cómo pago?", 5, True),
        ("no me interesa", 1, False),
        ("normal", 3, False),
        ("no lo compro", 1, False),
        ("no me lo llevo", 1, False),
        ("no puedo pagar, el link no funciona", 1, False),
        ("nunca más voy a comprar acá", 1, False),
        ("I won't pay that", 1, False),
        ("no está mal, gracias", 5, False),
        ("not bad, thanks", 5, False),
        ("no se preocupe, gracias", 5, False),
        ("el link no abre", 1, False),
        ("👍", 4, False),
        ("👍🏽", 4, False),
        ("👎", 1, False),
        ("❤️", 5, False),
        ("ok 👎", 1, False),
        ("", 3, False),
        ("¿y de qué material es?", 3, False),
    ],
)
def test_denials_come_before_what_they_deny(reaction: str, quality: int, success: bool) -> None:
    """The document's own lists score 'no me gusta' 5 and 'no lo quiero' a sale; 'normal' is not 'mal'."""
    score = score_turn("cuánto sale la lámpara", PLAIN, reaction)

    assert (score.quality, score.success) == (quality, success)
    assert score.rules[0].startswith("quality.")


def test_an_answered_question_is_a_step_forward() -> None:
    """A choice, said after we asked for one, is no neutral reaction; a counter-question is."""
    assert score_turn("precio?", QUESTION, "cálida").quality == 4
    assert score_turn("precio?", QUESTION, "¿hay otra?").quality == 3
    assert score_turn("precio?", PLAIN, "cálida").quality == 3


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("¿cuánto cuesta?", "consulta_precio"),
        ("quiero pagar con tarjeta", "proceso_pago"),
        ("mándame una foto", "solicitud_foto"),
        ("¿hacen envíos a regiones?", "consulta_envio"),
        ("busco una lámpara", "consulta_producto"),
        ("hola", "general"),
    ],
)
def test_categories_are_the_documents(message: str, category: str) -> None:
    """By the customer's question."""
    assert score_turn(message, PLAIN, "").category == category


@given(st.text(), st.text(), st.text())
def test_any_text_gets_a_score(user: str, answer: str, following: str) -> None:
    """Quality 1 to 5, whatever people type."""
    assert 1 <= score_turn(user, answer, following).quality <= 5
