"""Why a row is not worth learning."""

from dataclasses import replace
from typing import Any

import pytest

from afina.curate.quality import quality
from afina.records import Example, Origin
from tests.tasks import replied, task_of

TASK = task_of("chat", curate={"languages": ["es"], "min_answer_words": 3})
GOOD = replied("1", "¿Me puede decir dónde está mi pedido?", "Tu pedido llega mañana antes de las seis de la tarde.")
LONG = "Puedes pagar con tarjeta, con transferencia o en efectivo al recibir; también guardamos el pedido por tres días y te avisamos con"

BAD: list[tuple[dict[str, Any], Origin, str]] = [
    ({}, Origin(error="timeout"), "the answer failed: timeout"),
    ({}, Origin(latency_ms=9000.0), "took 9,000 ms"),
    ({"answer": "Sí."}, Origin(), "fewer than 3 words"),
    ({"answer": "lo siento mucho de verdad " * 8}, Origin(), "repeats itself"),
    ({"answer": "Lo siento, pero no puedo ayudarte con eso ahora mismo."}, Origin(), "stock refusal"),
    ({"answer": "As an AI language model I have no orders."}, Origin(), "stock refusal"),
    ({"answer": "Hola {{nombre}}, tu pedido va en camino."}, Origin(), "left over from a template: {{nombre}}"),
    ({"answer": "Claro que sí.<|im_end|> Algo más"}, Origin(), "left over from a template: <|im_end|>"),
    ({"answer": LONG}, Origin(), "the answer is cut"),
    ({"answer": "Así se hace:\n```python\nprint(1)\n"}, Origin(), "a code block does not end"),
]


def with_(changes: dict[str, Any], origin: Origin) -> Example:
    """The good answer, changed."""
    return replace(GOOD, **changes, origin=origin)


@pytest.mark.parametrize(("changes", "origin", "why"), BAD, ids=[why for *_, why in BAD])
def test_a_bad_answer_of_a_model_is_not_learnt(changes: dict[str, Any], origin: Origin, why: str) -> None:
    """Each rule names what it found."""
    assert why in quality(with_(changes, origin), TASK)


@pytest.mark.parametrize(("changes", "origin", "why"), BAD, ids=[why for *_, why in BAD])
def test_what_a_person_wrote_is_not_held_against_them(changes: dict[str, Any], origin: Origin, why: str) -> None:
    """A short correction of a slow, failed answer is the best that there is."""
    assert not quality(with_(changes, replace(origin, evidence="corrected")), TASK)


def test_a_good_answer_passes() -> None:
    """Also a list without a full stop, and a short one that ends as it likes."""
    assert not quality(GOOD, TASK)
    assert not quality(
        replace(
            GOOD,
            answer="Aceptamos:\n- tarjeta\n- efectivo\n- transferencia bancaria a la cuenta del taller\n- cheque al día",
        ),
        TASK,
    )


def test_another_language_is_told_where_languages_are_named() -> None:
    """Of short messages it would be a guess."""
    english = replace(GOOD, turns=replied("2", "Could you please tell me where my order is today?", "").turns)

    assert quality(english, TASK) == "written in en"
    assert not quality(english, task_of("chat"))
    assert not quality(replace(GOOD, turns=replied("3", "order?", "").turns), TASK)


def test_labels_are_no_prose() -> None:
    """A class's name may be one word and look like anything."""
    task = task_of("classify", curate={"min_answer_words": 5})

    assert not quality(replace(GOOD, answer='{"topic": "{{x}}"}'), task)
