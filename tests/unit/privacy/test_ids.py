"""Numbers that name a person: form, check digit, and the words beside them."""

import pytest

from tests.unit.privacy.found import found


@pytest.mark.parametrize(
    "rut",
    [
        "18.972.631-7",
        "18972631-7",
        "9.068.826-k",
        "9068826-K",
        "9068826k",
        "18 972 631-7",
        "18.972.631–7",
        "１８.972.631-7",
    ],
)
def test_ruts_however_written(rut: str) -> None:
    """Points, blanks, long dashes, other digits, a small k."""
    assert found(f"mi numero: {rut}, gracias", "RUT") == [rut]


@pytest.mark.parametrize(
    "text", ["18.972.631-0", "18,972,631-7", "18*972*631-7", "folio 189726317", "error18.972.631-7", "$18.972.631"]
)
def test_what_is_no_rut(text: str) -> None:
    """A wrong check digit, other signs, a folio, an amount."""
    assert found(f"sale {text} en la pantalla", "RUT") == []


@pytest.mark.parametrize("text", ["mi rut es 189726317", "puse 189726317 en rut", "189726317", "rut 18.972.631-0"])
def test_bare_or_mistyped_ruts_need_a_cue(text: str) -> None:
    """Nine digits after or before the word, as a whole message; with the word a wrong check digit is personal too."""
    assert len(found(text, "RUT")) == 1


@pytest.mark.parametrize(
    "card", ["4111 1111 1111 1111", "5555555555554444", "3782-822463-10005", "30569309025904", "6011111111111117"]
)
def test_cards_by_network_and_check_digit(card: str) -> None:
    """With blanks, dashes or none."""
    assert found(f"pague con {card}", "CARD") == [card]


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1112", "guia 9999 9999 9999 9995", "0000 0000 0000 0000", "978-3-16-148410-0"]
)
def test_what_is_no_card(text: str) -> None:
    """A wrong check digit, no network's first digits, zeros, an ISBN."""
    assert found(f"numero {text}", "CARD") == []


def test_ibans_end_where_their_check_digits_do() -> None:
    """What follows in capitals is no part of it."""
    assert found("IBAN GB82 WEST 1234 5698 7654 32 BIC XX", "IBAN") == ["GB82 WEST 1234 5698 7654 32"]


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("cta cte 00-123-45678-09 banco chile", "00-123-45678-09"),
        ("cuenta rut 12345678", "12345678"),
        ("banco estado\ncuenta rut\n10746117", "10746117"),
        ("BancoEstado N° 291-7-012345-6", "291-7-012345-6"),
    ],
)
def test_accounts_after_their_words(text: str, account: str) -> None:
    """A cuenta RUT is an account: the RUT without its check digit."""
    assert found(text, "ACCOUNT") == [account]


def test_social_security_numbers() -> None:
    """The form, and numbers that were never given out."""
    assert found("ssn 460-89-9847 y 000-12-3456", "SSN") == ["460-89-9847"]
