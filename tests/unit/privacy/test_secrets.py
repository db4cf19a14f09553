"""Keys by their form, passwords by what is said of them."""

import re

import pytest

from afina.privacy.secrets import forms
from tests.unit.privacy.found import found

BODY = "Fake0Fake1Fake2Fake3Fake4Fake5Fake6Fake7Fake8Fake9"


@pytest.mark.parametrize(
    "key",
    [
        "AKIA" + "FAKEFAKEFAKE1234",
        "ghp_" + BODY[:36],
        "sk-proj-" + BODY[:40],
        "sk_live_" + BODY[:24],
        "xoxb-" + "1234567890-" + BODY[:24],
        "AIza" + BODY[:35],
        "12345678:A" + BODY[:34],
        "glpat-" + BODY[:20],
        "hf_" + BODY[:34],
        "npm_" + BODY[:36],
        "eyJ" + BODY[:20] + ".eyJ" + BODY[:20] + "." + BODY[:20],
    ],
)
def test_keys_of_services(key: str) -> None:
    """Each by the form that its service publishes."""
    assert found(f"usa {key} para entrar", "SECRET") == [key]


def test_private_keys_whole_or_cut() -> None:
    """From BEGIN to END; a key that was cut has no end and is taken to the text's."""
    whole = "-----BEGIN PRIVATE KEY-----\nMIIfake\n-----END PRIVATE KEY-----"

    assert found(f"mira:\n{whole}\nlisto", "SECRET") == [whole]
    assert found(f"mira:\n{whole[:40]}", "SECRET") == [whole[:40]]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("mi clave es perro123", "perro123"),
        ("password: Xk3!abc", "Xk3!abc"),
        ("la contraseña del wifi es casadecampo.", "casadecampo"),
        ("pin 4321", "4321"),
        ("cambie la pass a Vig6%Ngq", "Vig6%Ngq"),
        ("contraseña wifi invitados: azulazul", "azulazul"),
        ("El código del portón es 6253", "6253"),
        ('DB_PASSWORD="tonto12"', "tonto12"),
    ],
)
def test_passwords_in_talk(text: str, secret: str) -> None:
    """After a colon anything, after "is" what looks like one."""
    assert found(text, "SECRET") == [secret]


@pytest.mark.parametrize(
    "text",
    [
        "mi clave no funciona",
        "la contraseña es incorrecta",
        "my PIN is blocked",
        "olvidé mi clave",
        "el token es inválido",
        "la clave es muy larga",
        "código de producto 45321",
    ],
)
def test_talk_about_passwords(text: str) -> None:
    """Says none."""
    assert found(text, "SECRET") == []


def test_every_form_is_bounded_and_begins_with_what_is_looked_for() -> None:
    """No pattern of the table has an open repetition: a long line costs as much as a short one for each character."""
    for name, needed, pattern in forms():
        assert needed, name
        assert not re.search(r"(?<!\\)[\])][*+]", pattern.pattern.replace("[A-Z0-9]+-\\d+-[a-z0-9]+", "")), name
