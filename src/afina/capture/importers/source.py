"""An export as a stream of its top-level values, so that one of a gigabyte needs no more memory than its largest conversation."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson

from afina.errors import InputError
from afina.files import read_rows
from afina.files.rows import DELIMITERS, read_jsonl
from afina.files.text_files import encoding_of

WHOLE_OBJECT_BYTES = 512 * 2**20
"""Largest file that is one JSON object: it has to be read whole."""
LINES, TABLES = frozenset({".jsonl", ".ndjson"}), frozenset(DELIMITERS)


@dataclass(frozen=True, slots=True)
class Item:
    """One value and where it stands: a line of JSONL or a table, the number of an element of a JSON list."""

    value: Any
    line: int


def items(path: Path) -> Iterator[Item]:
    """Every element of a JSON list, every line of JSONL, every row of a table; of one JSON object the object.

    Raises:
        InputError: there is no such file, it is no such file, or it ends in the middle; says how much of it is whole.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix in LINES:
        yield from (Item(row.values, row.line) for row in read_jsonl(path))
    elif suffix in TABLES:
        yield from (Item(row.values, row.line) for row in read_rows(path))
    elif beginning(path) == "[":
        yield from elements(path)
    else:
        yield Item(whole(path), 1)


def beginning(path: Path) -> str:
    """The first character that says something."""
    with path.open("rb") as file:
        head = file.read(4096)
    text = head.decode(encoding_of(path), "replace").lstrip("\ufeff \t\r\n")
    return text[:1]


def elements(path: Path) -> Iterator[Item]:
    """Elements of a JSON list, one at a time."""
    number = 0
    encoding = encoding_of(path)
    if encoding.startswith(("utf-16", "utf-32")):
        yield from (Item(one, at) for at, one in enumerate(whole(path), start=1))
        return
    with path.open("rb") as file:
        if encoding == "utf-8-sig":
            file.seek(3)
        try:
            for number, one in enumerate(ijson.items(file, "item", use_float=True), start=1):
                yield Item(one, number)
        except ijson.IncompleteJSONError as exc:
            raise InputError(
                f"{path}: ends in the middle: its first {number} entries are whole, the next one is not",
                remedy="export it again, or look whether the copy was cut",
            ) from exc
        except (ijson.JSONError, UnicodeDecodeError, ValueError) as exc:
            raise InputError(f"{path}, after entry {number}: {exc}") from exc


def whole(path: Path) -> Any:
    """The one value of a JSON file.

    Raises:
        InputError: it is too large to be read whole, or no JSON.
    """
    size = path.stat().st_size
    if size > WHOLE_OBJECT_BYTES:
        raise InputError(
            f"{path}: one JSON object of {size / 2**20:.0f} MB", remedy="export it in parts, or as a list or JSONL"
        )
    try:
        return json.loads(path.read_text("utf-8-sig" if encoding_of(path) == "utf-8" else encoding_of(path)))
    except UnicodeDecodeError as exc:
        raise InputError(f"{path}: not UTF-8", remedy="save it anew as UTF-8") from exc
    except (json.JSONDecodeError, RecursionError) as exc:
        raise InputError(
            f"{path}: no whole JSON: {exc}", remedy="export it again, or look whether the copy was cut"
        ) from exc
