"""CSV, TSV and JSONL → rows that know their line number. Bad input is named by file, line and column."""

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.files.damage import damage, undamaged
from afina.files.strict_json import JsonProblem, read_json_text
from afina.files.text_files import NOTICES, numbered_lines

DELIMITERS = {".csv": (",", ";", "\t", "|"), ".tsv": ("\t", ";", ",", "|")}
"""Separators by kind of file, the expected one first. Spreadsheets of countries with a decimal comma write `;` into .csv."""
NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""Excel's own first line that names the separator."""
SNIFFED_ROWS = 1000


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a file. Values are as read: strings from CSV, any JSON from JSONL."""

    line: int
    values: dict[str, Any]


def read_rows(path: Path) -> list[SourceRow]:
    """Read a whole file.

    Raises:
        InputError: missing, empty, of unknown kind, not text, malformed, or with a line of over a million characters; names
            the line.
    """
    rows = list(stream_rows(path))
    if not rows:
        raise InputError(f"{path}: no rows below the header")
    tell_damage(path, rows)
    return rows


def stream_rows(path: Path) -> Iterator[SourceRow]:
    """The same, a row at a time, and without a word on damaged texts.

    Raises:
        InputError: as `read_rows`, when that row is reached.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        return read_delimited(path)
    if suffix in {".jsonl", ".ndjson"}:
        return read_jsonl(path)
    raise InputError(f"{path}: unknown kind of file", remedy="use .csv, .tsv or .jsonl")


def tell_damage(path: Path, rows: Sequence[SourceRow]) -> None:
    """Say which lines hold texts that were damaged before: nothing that is learnt from them can be right."""
    found = [(row.line, text) for row in rows for text in texts_of(row.values) if damage(text)]
    if found:
        line, text = found[0]
        whole = undamaged(text)
        was = f", {text[:40]!r} was {whole[:40]!r}" if whole != text else ""
        NOTICES.warning("%s: damaged characters in %d texts (line %d%s)", path, len(found), line, was)


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a value, however deep: a chat's are in its messages."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)


def read_jsonl(path: Path) -> Iterator[SourceRow]:
    """One JSON object a line; blank lines are passed over.

    Raises:
        InputError: a line is no JSON object, or holds what cannot be kept (see `read_json_text`); names it.
    """
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        try:
            value = read_json_text(line)
        except JsonProblem as exc:
            raise InputError(f"{path}, line {number}: {exc}") from exc
        if not isinstance(value, dict):
            raise InputError(f"{path}, line {number}: expected a JSON object, found {type(value).__name__}")
        yield SourceRow(number, value)


def read_delimited(path: Path) -> Iterator[SourceRow]:
    """Rows under a header. Quoted cells may span lines; the number is the row's last line.

    Empty rows, and columns without a name and without a value, are passed over: spreadsheets write them where cells beside
    the table were touched.
    """
    lines, delimiter = separated(path)
    reader = csv.reader((line for _, line in lines), delimiter=delimiter, strict=True)
    try:
        first = next(reader, None)
        if first is None:
            return
        skipped = int(bool(SEPARATOR_LINE.fullmatch(delimiter.join(first))))
        header = [name.strip() for name in (next(reader, []) if skipped else first)]
        require_names(path, header)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield SourceRow(reader.line_num, named_cells(path, reader.line_num, header, cells))
    except csv.Error as exc:
        raise InputError(f"{path}, line {reader.line_num}: {exc}") from exc


def require_names(path: Path, header: Sequence[str]) -> None:
    """Refuse a header in which a column could be taken for another.

    Raises:
        InputError: a name is there twice.
    """
    named = [name for name in header if name]
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        raise InputError(
            f"{path}, line 1: the column {repeated[0]!r} is there twice", remedy="rename one of the two, or delete it"
        )


def named_cells(path: Path, line: int, header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """A row's cells by column.

    Raises:
        InputError: there are too few cells, or one that no column names; says where.
    """
    surplus = next((at for at, cell in enumerate(cells[len(header) :], start=len(header)) if cell.strip()), None)
    if len(cells) < len(header) or surplus is not None:
        raise InputError(
            f"{path}, line {line}: {len(cells)} cells under {len(header)} columns",
            remedy="quote cells that contain the separator",
        )
    for at, (name, cell) in enumerate(zip(header, cells, strict=False), start=1):
        if not name and cell.strip():
            raise InputError(
                f"{path}, line {line}: column {at} has no name and holds {cell.strip()[:40]!r}",
                remedy="give the column a name in line 1, or empty it",
            )
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}


def separated(path: Path) -> tuple[Iterator[tuple[int, str]], str]:
    """A file's lines and what separates its cells: by Excel's `sep=` line, else the only separator that fits.

    Another separator than the expected one is taken only where it alone gives every row as many cells as the header has.
    """
    lines = numbered_lines(path)
    head = list(itertools.islice(lines, SNIFFED_ROWS))
    expected, *others = DELIMITERS[path.suffix.lower()]
    whole = itertools.chain(head, lines)
    texts = [line for _, line in head]
    told = SEPARATOR_LINE.fullmatch(texts[0].strip()) if texts else None
    if told:
        NOTICES.info("%s: cells are separated by %s, as its first line says", path, NAMES.get(told[1], repr(told[1])))
        return whole, told[1]
    if not fits(widths(texts, expected)):
        fitting = [one for one in others if fits(widths(texts, one))]
        if len(fitting) == 1:
            NOTICES.info("%s: cells are separated by %s", path, NAMES[fitting[0]])
            return whole, fitting[0]
    return whole, expected


def widths(lines: Sequence[str], delimiter: str) -> list[int]:
    """Cells of every row that has any, as far as the lines can be read with this separator."""
    found = []
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append(len(cells))
    except csv.Error:
        # the last rows may be cut where sniffing stops; a file that is malformed is refused when it is read
        pass
    return found


def fits(found: Sequence[int]) -> bool:
    """Whether a separator parts the header, and every row into as many cells."""
    return len(found) > 1 and found[0] > 1 and set(found[: SNIFFED_ROWS - 1]) == {found[0]}


def as_lines(rows: Iterable[dict[str, Any]]) -> str:
    """Rows as JSONL."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def require_columns(path: Path, rows: list[SourceRow], columns: list[str]) -> None:
    """Make sure that columns exist in the first row.

    Raises:
        InputError: names the missing column and lists the ones there are.
    """
    known = rows[0].values
    for column in columns:
        if column not in known:
            raise InputError(f"{path}: no column {column!r}", remedy=f"the columns are: {', '.join(map(str, known))}")


def cell_text(path: Path, row: SourceRow, column: str) -> str:
    """A cell as text.

    Raises:
        InputError: it is missing, or neither text nor a number.
    """
    value = row.values.get(column)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        shown = "missing" if value is None else type(value).__name__
        raise InputError(f"{path}, line {row.line}: column {column!r} is {shown}, expected text")
    return str(value)
