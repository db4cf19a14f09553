"""Dates of birth and amounts."""

import pytest

from tests.unit.privacy.found import found


@pytest.mark.parametrize("date", ["3 de mayo de 1987", "12 de septiembre del 1954", "05-04-1966", "1987/05/03", "3/5"])
def test_dates_after_a_word_for_being_born(date: str) -> None:
    """A date of something else is none."""
    assert found(f"nací el {date}", "DATE_OF_BIRTH") == [date]
    assert found(f"el pedido llegó el {date}", "DATE_OF_BIRTH") == []


@pytest.mark.parametrize(
    "amount",
    ["$45.990", "12.990 pesos", "UF 3,45", "3,45 UF", "50 lucas", "300 luquitas", "3 palos y medio", "USD 25.50"],
)
def test_amounts_however_they_are_called(amount: str) -> None:
    """Pesos, UF, and the street's own words."""
    assert found(f"cuesta {amount} no mas", "AMOUNT") == [amount]
