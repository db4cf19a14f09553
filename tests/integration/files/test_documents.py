"""Text files → documents."""

from pathlib import Path

import pytest

from afina.errors import InputError
from afina.files.documents import read_documents


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    """Text files whole, JSONL by row; other files are left alone."""
    (tmp_path / "b.md").write_text("\ufeffdos", "utf-8")
    (tmp_path / "a.txt").write_text("uno", "utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.jsonl").write_text('{"text": "tres"}\n{"text": "cuatro"}\n', "utf-8")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")

    assert read_documents(tmp_path) == ["uno", "dos", "tres", "cuatro"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("d.txt", b"", "the document is empty"),
        ("d.txt", b"caf\xfe", r"line 1: not UTF-8 \(character 4\)"),
        ("d.jsonl", b'{"text": "a"}\n{"texto": "b"}\n', "line 2: a row needs a text"),
        ("d.pdf", b"%PDF", "unknown kind of document"),
    ],
)
def test_bad_documents_are_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """File, and line or byte."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_documents(tmp_path / name)


def test_nothing_to_read(tmp_path: Path) -> None:
    """A missing file and a folder without texts."""
    with pytest.raises(InputError, match="no such file"):
        read_documents(tmp_path / "none.txt")
    with pytest.raises(InputError, match="in this folder"):
        read_documents(tmp_path)
