"""Policies, and what stays."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.errors import InputError
from afina.privacy import Kind, Policy, make_policy, scrub, scrub_answer
from afina.settings import PersonalData, PrivacyPolicy

TEXT = "Soy Camila Flores, rut 18.972.631-7, fono +56 9 8765 4321, mail camila@tienda.cl, pagué $45.990"


def policy(**settings: Any) -> Policy:
    """Of one client."""
    return make_policy(PrivacyPolicy(**settings), client="a", key=b"k" * 32)


def test_the_settings_know_every_type() -> None:
    """Settings cannot import the room below them: their list is held to this one."""
    assert set(get_args(PersonalData)) == set(Kind)


def test_a_mask_says_what_stood_there() -> None:
    """Amounts stay unless a policy says otherwise."""
    assert scrub(TEXT, policy()).text == "Soy [PERSON], rut [RUT], fono [PHONE], mail [EMAIL], pagué $45.990"


def test_each_type_has_its_action() -> None:
    """Dropped, kept, rounded to the first digit."""
    done = scrub(TEXT, policy(types={"PERSON": "drop", "EMAIL": "keep", "AMOUNT": "bucket"}))

    assert done.text == "Soy , rut [RUT], fono [PHONE], mail camila@tienda.cl, pagué $40.000"
    assert Kind.EMAIL in {one.type for one in done.findings}


@pytest.mark.parametrize("default", ["mask", "pseudonymise", "drop"])
@given(
    text=st.lists(
        st.sampled_from(
            [*TEXT.split(" "), "rut", "vivo en calle Los Leones 345", "clave: abc123", "189726317", "\n", "don", "Ana"]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_scrubbing_twice_changes_nothing(default: str, text: str) -> None:
    """Text is scrubbed at the door and again before training; only what is dropped may bring others together."""
    once = scrub(text, policy(default=default)).text

    if default != "drop":
        assert scrub(once, policy(default=default)).text == once


def test_what_is_the_clients_own_stays() -> None:
    """The shop's phone is meant to be said, however it is written."""
    done = scrub("llama al 9 8765 4321 o al 9 7654 3210", policy(own=("+56987654321", "987654321")))

    assert done.text == "llama al 9 8765 4321 o al [PHONE]"


def test_json_stays_json() -> None:
    """Values are scrubbed one by one; a number stays a number, and what is nested too deep is read as a text."""
    answer = json.dumps({"nombre": "Camila Flores", "fono": 56987654321, "ok": True, "total": 12})

    assert json.loads(scrub_answer(answer, policy())) == {
        "nombre": "[PERSON]",
        "fono": 0,
        "ok": True,
        "total": 12,
    }
    assert scrub_answer('{"a": broken', policy()) == '{"a": broken'
    assert scrub_answer("[" * 500 + "]" * 500, policy()) == "[" * 500 + "]" * 500


def test_own_recognisers_are_heard_and_held_to_their_form() -> None:
    """A user's function adds findings; nonsense is named."""

    def plates(text: str) -> list[tuple[str, int, int]]:
        return [("SECRET", text.index("BBCL12"), text.index("BBCL12") + 6)] if "BBCL12" in text else []

    def broken(text: str) -> list[tuple[str, int, int]]:
        return [("PLATE", 0, 900)]

    given_policy = make_policy(PrivacyPolicy(), recognisers=(plates,))

    assert scrub("patente BBCL12", given_policy).text == "patente [SECRET]"
    with pytest.raises(InputError, match="broken"):
        scrub("x", make_policy(PrivacyPolicy(), recognisers=(broken,)))
