"""Settings become policies."""

from pathlib import Path
from typing import Any

import pytest

from afina.errors import SettingsError
from afina.flows.privacy import policy_of
from afina.privacy import NOTHING, Policy, restore, scrub
from afina.settings import PrivacySettings
from afina.store.paths import Paths

TEXT = "soy Camila Flores, rut 18.972.631-7"


def policy(folder: Path, client: str = "a", **settings: Any) -> Policy:
    """Of a project in this folder."""
    return policy_of(PrivacySettings(**settings), Paths(folder), client)


def test_each_client_has_its_own_policy_and_pseudonyms(tmp_path: Path) -> None:
    """One masks, one keeps names, two of them never share a pseudonym."""
    clients = {"b": {"types": {"PERSON": "keep"}}}
    one = scrub(TEXT, policy(tmp_path, clients=clients)).text
    other = scrub(TEXT, policy(tmp_path, "b", clients=clients)).text
    first, second = (scrub(TEXT, policy(tmp_path, name, default="pseudonymise", types={})).text for name in "cd")

    assert (one, other) == ("soy [PERSON], rut [RUT]", "soy Camila Flores, rut [RUT]")
    assert first != second
    assert first == scrub(TEXT, policy(tmp_path, "c", default="pseudonymise", types={})).text


def test_a_vault_restores_and_is_off_unless_asked_for(tmp_path: Path) -> None:
    """Without it nothing on the disk knows the values."""
    done = scrub(TEXT, policy(tmp_path, default="pseudonymise", types={}))
    assert not Paths(tmp_path).vault("a").exists()

    kept = policy(tmp_path, default="pseudonymise", types={}, vault=True)
    assert kept.vault is not None
    assert restore(scrub(TEXT, kept).text, kept.vault) == TEXT
    assert scrub(TEXT, kept).text == done.text


def test_scrubbing_can_be_turned_off(tmp_path: Path) -> None:
    """By one setting, on purpose."""
    assert policy(tmp_path, scrub=False) is NOTHING


def test_recognisers_of_ones_own(tmp_path: Path) -> None:
    """A function in a file; what is not there is named."""
    file = tmp_path / "plates.py"
    file.write_text(
        "def plates(text):\n    at = text.find('BBCL12')\n    return [('SECRET', at, at + 6)] if at >= 0 else []\n"
    )

    assert scrub("patente BBCL12", policy(tmp_path, recognisers=(f"{file}:plates",))).text == "patente [SECRET]"
    with pytest.raises(SettingsError, match=r"privacy\.recognisers"):
        policy(tmp_path, recognisers=(f"{file}:nothing",))
