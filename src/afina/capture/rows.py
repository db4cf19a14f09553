"""CSV, TSV and JSONL → rows that know their line number. Bad input is named by file, line and column."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.errors import InputError

MAX_LINE_BYTES = 1_000_000
DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a file. Values are as read: strings from CSV, any JSON from JSONL."""

    line: int
    values: dict[str, Any]


def read_rows(path: Path) -> list[SourceRow]:
    """Read a whole file.

    Raises:
        InputError: missing, empty, of unknown kind, not UTF-8, malformed, or with a line over 1 MB; names the line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        rows = list(read_delimited(path, delimiter=DELIMITERS[suffix]))
    elif suffix in {".jsonl", ".ndjson"}:
        rows = list(read_jsonl(path))
    else:
        raise InputError(f"{path}: unknown kind of file", remedy="use .csv, .tsv or .jsonl")
    if not rows:
        raise InputError(f"{path}: no rows below the header")
    return rows


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Decoded lines with their numbers from 1. A huge line is refused before it fills the memory."""
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                raise InputError(
                    f"{path}, line {number}: longer than {MAX_LINE_BYTES:,} bytes", remedy="is a line break missing?"
                )
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as exc:
                raise InputError(
                    f"{path}, line {number}: not UTF-8 (byte {exc.start + 1})",
                    remedy="convert it: iconv -f latin1 -t utf-8 FILE",
                ) from exc


def read_jsonl(path: Path) -> Iterator[SourceRow]:
    """One JSON object a line; blank lines are passed over."""
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as exc:
            raise InputError(f"{path}, line {number}: not JSON ({str(exc).split(':', maxsplit=1)[0]})") from exc
        if not isinstance(value, dict):
            raise InputError(f"{path}, line {number}: expected a JSON object, found {type(value).__name__}")
        yield SourceRow(number, value)


def read_delimited(path: Path, *, delimiter: str) -> Iterator[SourceRow]:
    """Rows under a header. Quoted cells may span lines; the number is the row's last line."""
    reader = csv.reader((line for _, line in lines(path)), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        repeated = {name for name in header if header.count(name) > 1}
        if repeated:
            raise InputError(f"{path}, line 1: the column {sorted(repeated)[0]!r} is there twice")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under {len(header)} columns",
                    remedy="quote cells that contain the delimiter",
                )
            yield SourceRow(reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as exc:
        raise InputError(f"{path}, line {reader.line_num}: {exc}") from exc


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
