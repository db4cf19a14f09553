"""Files of 32 bytes."""

import stat
from pathlib import Path

import pytest

from afina.errors import StoreError
from afina.store.key_files import KEY_BYTES, read_key


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """The second reader gets the first one's."""
    path = tmp_path / "below" / "k"
    made = read_key(path, make=True)

    assert len(made) == KEY_BYTES
    assert read_key(path, make=True) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, b"short"])
def test_what_is_no_key_is_said_with_the_remedy(tmp_path: Path, content: bytes | None) -> None:
    """A named file is never made: a typing error would make pseudonyms that nobody can restore."""
    path = tmp_path / "k"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StoreError, match="not a key"):
        read_key(path, make=False)
