"""Names of people, and words that are names and something else."""

import pytest

from tests.unit.privacy.found import found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("soy camila flores", "camila flores"),
        ("habla con maria jose perez", "maria jose perez"),
        ("a nombre de Juan Pérez Soto", "Juan Pérez Soto"),
        ("Saludos,\nCamila Fuentes R.", "Camila Fuentes R"),
        ("gracias don Amaro", "Amaro"),
        ("la Sra. Undurraga llamó", "Undurraga"),
        ("le dije a Rosa", "Rosa"),
        ("pasó luchita a buscarlo", "luchita"),
        ("me llamo nelson kunstmann y compré ayer", "nelson kunstmann"),
        ("Lo saluda Nadège Toussaint", "Nadège Toussaint"),
        ("María de los Ángeles Soto pidió dos", "María de los Ángeles Soto"),
        ("my name is Xochitl", "Xochitl"),
    ],
)
def test_names_with_and_without_a_cue(text: str, name: str) -> None:
    """Titles stay outside; particles and initials belong to it."""
    assert found(text, "PERSON") == [name]


@pytest.mark.parametrize(
    "text",
    [
        "el sillón Valentina en color Rosa",
        "quiero rosas rojas y flores",
        "señor, me puede ayudar?",
        "Tienda Santiago",
        "hospital del Salvador",
        "gracias, todo bien",
        "el modelo Sofía",
        "la paz de los domingos",
        "Estimados, buenas tardes",
        "mi esposa de nuestro padre. Ellos vienen",
        "¿cuánto cuesta en mayo?",
        "bill the price to my card",
    ],
)
def test_words_that_are_no_names_here(text: str) -> None:
    """Products, colours, months, places, and English words that are names too."""
    assert found(text, "PERSON") == []
