"""E-mail, phone, IP, URL."""

import pytest

from tests.unit.privacy.found import found


@pytest.mark.parametrize(
    "mail",
    [
        "juan.perez+x@tienda.cl",
        "JUAN@GMAIL.COM",
        "juan arroba gmail punto com",
        "juan (at) gmail.com",
        "juan＠gmail.com",
        "jоse@gmаil.com",
    ],
)
def test_mail_addresses(mail: str) -> None:
    """Plain, spoken, full-width, with Cyrillic letters that look Latin."""
    assert found(f"escribe a {mail} porfa", "EMAIL") == [mail]


@pytest.mark.parametrize(
    "phone",
    [
        "+56 9 8765 4321",
        "+56987654321",
        "987654321",
        "9 8765 4321",
        "9.8765.4321",
        "+1-984-182-0190",
        "+46 (0)8 928 571 38",
        "+54 11 4321 8765",
    ],
)
def test_phones(phone: str) -> None:
    """With a country's code of any country; without one as dialled in Chile."""
    assert found(f"hablamos al {phone}", "PHONE") == [phone]


@pytest.mark.parametrize(
    "text", ["pedido 987654321", "son 12.345.678 pesos", "folio 1234567", "2024-11-28", "talla 38-40-42-44-46"]
)
def test_what_is_no_phone(text: str) -> None:
    """Order numbers, amounts, folios, dates, sizes."""
    assert found(text, "PHONE") == []


def test_any_number_of_the_length_after_a_word_for_phone() -> None:
    """As people write old ones."""
    assert found("mi fono: 234 5678", "PHONE") == ["234 5678"]


def test_addresses_of_machines() -> None:
    """Both versions of IP; four numbers of a version are none, an operator is none."""
    assert found("desde 106.31.73.20 y 2001:db8::8a2e:370:7334", "IP") == ["106.31.73.20", "2001:db8::8a2e:370:7334"]
    assert found("firmware 10.0.0.1, versión 1.2.3.4, std::vector, 12:30:45", "IP") == []


def test_urls_with_a_token_are_told_from_others() -> None:
    """The token makes the whole URL a secret, also without a scheme; a shop's page is a URL only."""
    text = "mira https://tienda.cl/sillas y tienda.cl/descarga?id=4&key=abcd1234 y http://u:clave@host.cl/x"

    assert found(text, "URL") == ["https://tienda.cl/sillas"]
    assert found(text, "URL_TOKEN") == ["tienda.cl/descarga?id=4&key=abcd1234", "http://u:clave@host.cl/x"]
