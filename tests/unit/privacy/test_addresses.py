"""Where people live, as they write it."""

import pytest

from tests.unit.privacy.found import found


@pytest.mark.parametrize(
    "address",
    [
        "av. providencia 1234, depto 56",
        "pasaje los aromos 0456",
        "calle 5 norte #321",
        "camino a melipilla km 12",
        "Gran Avenida 5678 paradero 18",
        "block C depto 204 villa los héroes",
        "5 Oriente 1234",
        "los lirios 1234 casa 5",
        "depto 301 torre B",
        "parcela 23 sector el carmen",
    ],
)
def test_streets_with_numbers_and_what_follows(address: str) -> None:
    """Also without a word for a street where the form is sure."""
    assert found(f"es en {address}", "ADDRESS") == [address]


@pytest.mark.parametrize(
    "text", ["vivo en Los Leones 345", "despacho a los leones 345", "el repartidor fue a Esmeralda 4297."]
)
def test_a_name_and_a_number_after_a_word_for_living(text: str) -> None:
    """Or with capitals after a small word."""
    assert len(found(text, "ADDRESS")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "la calle estaba cortada a las 10",
        "la Avenida estaba llena",
        "voy por la autopista en el kilómetro 80",
        "compré 2 casas de muñecas",
        "en Chile 2024",
        "llego a las 1530",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """Streets without a number, hours, years, counts."""
    assert found(text, "ADDRESS") == []
