"""Bad input is named by file, line and column."""

import csv
import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.errors import InputError
from afina.files import cell_text, read_rows, require_columns
from afina.files.text_files import MAX_LINE_CHARACTERS


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
        ("a.csv", b"text,label\nhola,1\nma\xfeana,2\n", "line 3: not UTF-8"),
        ("a.csv", b'text,label\n"hola,1\n', "line 2"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: expected a JSON object"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.jsonl", b'{"text": "' + b"x" * MAX_LINE_CHARACTERS + b'"}\n', "line 1: longer than"),
        ("a.xlsx", b"x", "unknown kind"),
        ("a.jsonl", b'{"text": "\\ud83d"}\n', "line 1: half a character"),
        ("a.jsonl", b'{"\\udc00": "x"}\n', "line 1: half a character"),
        ("a.jsonl", b'{"text": "a"}\n{"n": ' + b"1" * 4400 + b"}\n", "line 2: a number of 4400 digits"),
        ("a.jsonl", b'{"n": 1e999}\n', "line 1: a number too large"),
        ("a.jsonl", b'{"n": NaN}\n', "line 1: NaN is no number"),
        ("a.jsonl", b'{"n": [-Infinity]}\n', "line 1: -Infinity is no number"),
        ("a.jsonl", b'{"t": "a\\u0000b"}\n', "line 1: the character NUL"),
        ("a.jsonl", b'{"text": "\xed\xa0\xbd"}\n', "line 1: not UTF-8"),
        ("a.csv", b"text,label\na\x00b,c\n", "line 2: the character NUL"),
        ("a.csv", b"text,,label\nhola,x,1\n", "line 2: column 2 has no name and holds 'x'"),
        ("a.csv", b"text,label\nuno;dos,1\ntres\n", "line 3: 1 cells under 2 columns"),
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


TABLE = "text;label\r\n¿Dónde está?, pregunto;envío\r\n20 € “caro”;precio\r\n"
WANTED = [{"text": "¿Dónde está?, pregunto", "label": "envío"}, {"text": "20 € “caro”", "label": "precio"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "sep=;", "sep=\t"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, encoding: str, end: str, separator: str) -> None:
    """Every encoding that says what it is, every end of line, every separator that only fits one way."""
    mark = separator[-1]
    head = f"{separator}\n" if separator.startswith("sep=") else ""
    cells = TABLE.replace("\r\n", "\n").replace(";", mark).replace("?, p", "?, p" if mark != "," else "? p")
    path = written(tmp_path, "a.csv", (head + cells).replace("\n", end).encode(encoding))

    rows = read_rows(path)

    assert [row.values["label"] for row in rows] == ["envío", "precio"]
    assert [row.values["text"] for row in rows] == [
        w["text"].replace("?, p", "?, p" if mark != "," else "? p") for w in WANTED
    ]
    assert [row.line for row in rows] == ([3, 4] if head else [2, 3])


def test_windows_files_are_read_where_that_is_certain(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every character has its place in Spanish as cp1252 only: read, and said."""
    path = written(tmp_path, "a.csv", "text;label\nEl precio es 20 €, “¿sí?” mañana;pago\n".encode("cp1252"))

    with caplog.at_level("INFO"):
        [row] = read_rows(path)

    assert row.values["text"] == "El precio es 20 €, “¿sí?” mañana"
    assert "CP1252" in caplog.text


@pytest.mark.parametrize("page", ["mac_roman", "cp850"])
def test_a_code_page_is_never_guessed(tmp_path: Path, page: str) -> None:
    """The remedy shows what each would make of the line: the right one is among them."""
    text = "El precio es 20 pesos, ¿sí? mañana"
    path = written(tmp_path, "a.csv", f"text,label\nhola,a\n{text},b\n".encode(page))

    with pytest.raises(InputError, match="line 3: not UTF-8") as caught:
        read_rows(path)

    assert "mañana" in caught.value.remedy or "¿sí?" in caught.value.remedy
    assert "iconv -f" in caught.value.remedy


def test_the_remedy_for_windows_files_keeps_what_latin1_would_damage(tmp_path: Path) -> None:
    """€ and curly quotes lie where Latin-1 has control characters. With a box-drawing sign it is not certain that it is Windows'."""
    path = written(tmp_path, "a.csv", "text,label\nEl precio es 20 € “caro” þ,pago\n".encode("cp1252"))

    with pytest.raises(InputError) as caught:
        read_rows(path)

    assert "iconv -f cp1252" in caught.value.remedy
    assert "20 € “caro”" in caught.value.remedy


def test_empty_columns_and_rows_are_passed_over(tmp_path: Path) -> None:
    """What Excel writes when cells beside the table were touched."""
    path = written(tmp_path, "a.csv", b"text,intent,,\nhola,a,,\n,,,\nadios,b, ,,,\n")

    assert [row.values for row in read_rows(path)] == [
        {"text": "hola", "intent": "a"},
        {"text": "adios", "intent": "b"},
    ]


def test_damage_is_said_with_its_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever command reads the file."""
    path = written(tmp_path, "a.csv", "text,intent\nhola,a\nDÃ³nde,envÃ\xado\n".encode())

    with caplog.at_level("WARNING", logger="afina.notice"):
        read_rows(path)

    with caplog.at_level("WARNING", logger="afina.notice"):
        read_rows(
            written(tmp_path, "b.jsonl", '{"messages": [{"role": "user", "content": "mi envÃ\xado"}]}\n'.encode())
        )

    assert "b.jsonl: damaged characters in 1 texts (line 1" in caplog.text
    assert "2 texts (line 3, 'DÃ³nde' was 'Dónde')" in caplog.text


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.tsv", "a.jsonl"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    """Never an error of another kind."""
    with TemporaryDirectory() as folder, suppress(InputError):
        for row in read_rows(written(Path(folder), name, content)):
            json.dumps(row.values, ensure_ascii=False).encode()


def test_half_a_character_of_utf_16_is_named(tmp_path: Path) -> None:
    """A lone surrogate, which Python's decoder can be told to let through."""
    content = "text,label\nho".encode("utf-16-be") + b"\xd8\x01" + "la,a\n".encode("utf-16-be")
    with pytest.raises(InputError, match=r"a\.csv, line 2: half a character of UTF-16-BE \(character 3\)"):
        read_rows(written(tmp_path, "a.csv", content))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.sampled_from([",", ";", "\t"]))
@settings(max_examples=100, deadline=None)
def test_what_csv_writes_is_read_back(cell: str, separator: str) -> None:
    """Quoted cells keep whatever they hold."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=separator).writerows([["text", "label"], [cell, "a"], ["hola", "b"]])

        assert read_rows(path)[0].values == {"text": cell, "label": "a"}
