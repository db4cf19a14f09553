"""Leaked items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.records import EvalItem, Turn
from afina.verdict.leaks import find_leaks

LONG = "quiero saber por qué la tarjeta que pedí hace dos semanas todavía no ha llegado a mi casa de Temuco"


def items(*texts: str) -> list[EvalItem]:
    """Items with these messages."""
    return [EvalItem(id=str(n), turns=(Turn("user", text),)) for n, text in enumerate(texts)]


def test_each_kind_is_found_and_named() -> None:
    """The same text in other clothes, a run of 13 words inside another text, a changed word."""
    training = [
        "¿Dónde está mi PEDIDO?",
        f"Hola. {LONG}, y además hace frío aquí.",
        "no puedo entrar en mi cuenta de ahorro",
    ]
    asked = items(
        "donde esta mi pedido", f"Otra cosa: {LONG}", "no puedo entrar a mi cuenta de ahorro", "cuánto cuesta el envío"
    )

    found = find_leaks(asked, training)

    assert [(leak.item, leak.kind) for leak in found] == [("0", "same"), ("1", "13-gram"), ("2", "near")]
    assert found[2].text == training[2]


def test_a_greeting_around_a_known_question_does_not_hide_it() -> None:
    """Nor does one that the training had around it; a few common words in a longer question are no leak."""
    training = ["¿cuánto tarda el envío a Valdivia?", "Hola, buenas tardes, ¿puedo pagar con dos tarjetas distintas?"]
    asked = items(
        "Buenas, una consulta: ¿cuánto tarda el envío a Valdivia?",
        "puedo pagar con dos tarjetas distintas",
        "cuánto tarda el envío a Valdivia si vivo en la isla y el barco sale solo los martes por la mañana",
    )

    assert [(leak.item, leak.kind) for leak in find_leaks(asked, training)] == [("0", "part"), ("1", "part")]


def test_similar_is_not_the_same() -> None:
    """Another question about the same thing stays."""
    assert not find_leaks(items("quiero cancelar mi tarjeta de crédito"), ["quiero activar mi tarjeta de débito nueva"])


@given(st.lists(st.text(alphabet="abc ", min_size=3, max_size=30), min_size=1, max_size=6))
def test_what_was_trained_on_is_always_found(texts: list[str]) -> None:
    """Every training text that has words, asked again."""
    wordy = [text for text in texts if text.strip()]

    assert len(find_leaks(items(*wordy), texts)) == len(wordy)


@pytest.mark.parametrize(
    ("asked", "known", "leaks"),
    [
        ("👍", "👍", 1),
        ("👍", "👎", 0),
        ("0-2", "0+2", 0),
        ("0-2", "0-2", 1),
        ("C#", "C++", 0),
        ("?", "?", 1),
        ("का", "की", 0),
    ],
)
def test_signs_are_part_of_a_question(asked: str, known: str, leaks: int) -> None:
    """A message of signs alone can be known, and another sign is another message."""
    assert len(find_leaks([EvalItem(id="1", turns=(Turn("user", asked),))], [known])) == leaks
