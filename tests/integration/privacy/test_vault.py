"""What pseudonyms stand for, in a sealed file."""

from pathlib import Path

import pytest

from afina.errors import StoreError
from afina.privacy import Vault, make_policy, restore, scrub
from afina.settings import PrivacyPolicy

KEY = b"k" * 32
TEXT = "Soy Camila Flores, rut 9.068.826-K y 9.068.826-k, escribe a Ana@x.cl. Firma: camila flores"


def scrubbed(vault: Vault) -> str:
    """By a policy of pseudonyms."""
    settings = PrivacyPolicy(default="pseudonymise", types={})
    return scrub(TEXT, make_policy(settings, client="a", key=KEY, vault=vault)).text


def test_a_text_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """Also where one value was written in two ways, and by another process."""
    done = scrubbed(Vault(tmp_path / "v.jsonl", KEY))

    assert "Camila" not in done
    assert restore(done, Vault(tmp_path / "v.jsonl", KEY)) == TEXT


def test_the_file_says_nothing_without_the_key(tmp_path: Path) -> None:
    """No value stands in it, and another key is refused."""
    path = tmp_path / "v.jsonl"
    scrubbed(Vault(path, KEY))

    assert b"Camila" not in path.read_bytes()
    with pytest.raises(StoreError, match="line 1"):
        Vault(path, b"x" * 32)


def test_a_torn_last_line_is_written_over(tmp_path: Path) -> None:
    """A process that was killed while it wrote leaves half a line."""
    path = tmp_path / "v.jsonl"
    first = scrubbed(Vault(path, KEY))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    again = scrubbed(Vault(path, KEY))

    assert again == first
    assert restore(again, Vault(path, KEY)) == TEXT


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    """Each reads what the other added before it adds."""
    one, other = Vault(tmp_path / "v.jsonl", KEY), Vault(tmp_path / "v.jsonl", KEY)

    assert one.keep("[PERSON-AAAAAA]", "Ana")
    assert not other.keep("[PERSON-AAAAAA]", "Eva")
    assert other.keep("[PERSON-AAAAAA]", "Ana")
