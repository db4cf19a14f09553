"""Bad input is named by file, line and column."""

from pathlib import Path

import pytest

from afina.capture.rows import MAX_LINE_BYTES, cell_text, read_rows, require_columns
from afina.errors import InputError


def written(folder: Path, name: str, content: bytes) -> Path:
    """A file."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.csv", b"text,label\nhola,1,2\n", "line 2: 3 cells under 2 columns"),
        ("a.csv", b"text,text\nhola,1\n", "twice"),
        ("a.csv", b"text,label\nhola,1\nma\xf1ana,2\n", "line 3: not UTF-8"),
        ("a.csv", b'text,label\n"hola,1\n', "line 2"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: expected a JSON object"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.jsonl", b'{"text": "' + b"x" * MAX_LINE_BYTES + b'"}\n', "line 1: longer than"),
        ("a.xlsx", b"x", "unknown kind"),
    ],
)
def test_each_mistake_has_its_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """One line of error that a person can act on."""
    with pytest.raises(InputError, match=words):
        read_rows(written(tmp_path, name, content))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """Not a traceback of the operating system."""
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "a.csv")


def test_quotes_line_breaks_and_byte_order_marks(tmp_path: Path) -> None:
    """What spreadsheets write is read."""
    path = written(tmp_path, "a.csv", b'\xef\xbb\xbftext,label\r\n"a, ""b""\nc",x\r\n')

    assert [row.values for row in read_rows(path)] == [{"text": 'a, "b"\nc', "label": "x"}]


def test_a_missing_column_lists_the_ones_there_are(tmp_path: Path) -> None:
    """The usual mistake is a name."""
    path = written(tmp_path, "a.tsv", b"text\tlabel\na\tb\n")
    rows = read_rows(path)

    with pytest.raises(InputError, match="no column 'intent'") as caught:
        require_columns(path, rows, ["intent"])
    assert "text, label" in caught.value.remedy


def test_cells_must_be_text_or_numbers(tmp_path: Path) -> None:
    """Null and lists are no labels."""
    path = written(tmp_path, "a.jsonl", b'{"a": null, "b": [1], "c": 3, "d": true}\n')
    row = read_rows(path)[0]

    assert cell_text(path, row, "c") == "3"
    for column in "abd":
        with pytest.raises(InputError, match=f"column '{column}'"):
            cell_text(path, row, column)
