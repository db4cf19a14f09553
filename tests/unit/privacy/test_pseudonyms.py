"""False values that stand for true ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cl import rut

from afina.privacy import Kind, find
from afina.privacy.pseudonyms import client_key, is_pseudonym, pseudonym

KEY = b"k" * 32


@given(st.integers(1_000_000, 29_999_999))
def test_a_false_rut_is_right_and_nobodys(number: int) -> None:
    """Its check digit holds, and it lies where no RUT was given out."""
    true = f"{number}-{rut.calc_check_digit(str(number))}"
    false = pseudonym(Kind.RUT, true, KEY)

    assert rut.is_valid(false)
    assert is_pseudonym(Kind.RUT, false)
    assert not is_pseudonym(Kind.RUT, true)


def test_the_same_value_has_the_same_pseudonym_however_it_is_written() -> None:
    """Points, case and accents do not matter; another client's key does."""
    assert pseudonym(Kind.PERSON, "María José", KEY) == pseudonym(Kind.PERSON, "maria jose", KEY)
    assert pseudonym(Kind.PHONE, "+56 9 8765 4321", KEY) == pseudonym(Kind.PHONE, "987654321", KEY)
    assert pseudonym(Kind.PERSON, "Ana", client_key(KEY, "a")) != pseudonym(Kind.PERSON, "Ana", client_key(KEY, "b"))


def test_the_form_of_a_rut_stays() -> None:
    """With points where the true one has them, so that what reads one form reads the other."""
    assert pseudonym(Kind.RUT, "18.972.631-7", KEY).count(".") == 2
    assert "." not in pseudonym(Kind.RUT, "18972631-7", KEY)


@pytest.mark.parametrize(("kind", "value"), [(Kind.PHONE, "+56 9 8765 4321"), (Kind.EMAIL, "ana@tienda.cl")])
def test_false_contacts_keep_their_type(kind: Kind, value: str) -> None:
    """What finds the true one finds the false one."""
    false = pseudonym(kind, value, KEY)

    assert [one.type for one in find(f"escribe a {false} hoy")] == [kind]
    assert is_pseudonym(kind, false)
