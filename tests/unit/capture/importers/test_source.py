"""A file as a stream of its entries."""

from pathlib import Path

import pytest

from afina.capture.importers import KINDS, talks
from afina.capture.importers.source import items
from afina.errors import InputError

EXPORTS = Path(__file__).parents[3] / "data" / "importers"


def test_a_list_that_ends_in_the_middle_says_how_much_is_whole(tmp_path: Path) -> None:
    """A download that broke off."""
    whole = (EXPORTS / "openwebui" / "all-chats-export-1772300000000.json").read_bytes()
    path = tmp_path / "cut.json"
    path.write_bytes(whole[: len(whole) * 2 // 3])

    with pytest.raises(InputError, match=r"its first [1-9]\d* entries are whole"):
        list(talks(path, KINDS["openwebui"]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_with_and_without_marks(tmp_path: Path, encoding: str) -> None:
    """As different systems write JSON."""
    path = tmp_path / "a.json"
    path.write_text('[{"a": "ñ"}, {"a": 1.5}]', encoding)

    assert [(one.value, one.line) for one in items(path)] == [({"a": "ñ"}, 1), ({"a": 1.5}, 2)]


def test_an_object_is_one_entry(tmp_path: Path) -> None:
    """A page of an API, one conversation."""
    path = tmp_path / "a.json"
    path.write_text(' {"a": []}')

    assert [one.value for one in items(path)] == [{"a": []}]
    with pytest.raises(InputError, match="no such file"):
        list(items(tmp_path / "b.json"))
