"""Interactions that the database did not take, as files: written when a gateway ends, read when the next one starts."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from afina.errors import StoreError, in_short
from afina.files import JsonProblem, read_json_text
from afina.records import Interaction
from afina.store.paths import private_folder, write_whole

ADAPTER = TypeAdapter(Interaction)
NAMES = {field.name for field in fields(Interaction)}


def keep_unsaved(folder: Path) -> Callable[[list[Interaction]], None]:
    """How to keep interactions in a folder that only its owner may read."""

    def keep(left: list[Interaction]) -> None:
        private_folder(folder)
        rows = "".join(json.dumps(ADAPTER.dump_python(i, mode="json"), ensure_ascii=False) + "\n" for i in left)
        write_whole(folder / f"{time.time_ns()}-{os.getpid()}.jsonl", rows)

    return keep


def record_unsaved(folder: Path, save: Callable[[list[Interaction]], None]) -> int:
    """Record what is kept in a folder; a file goes when all of it is in the database. Returns how many there were.

    Raises:
        DatabaseDownError: the database still does not answer. StoreError: a file is damaged; names it.
    """
    count = 0
    for path in sorted(folder.glob("*.jsonl")):
        found = read_unsaved(path)
        save(found)
        path.unlink()
        count += len(found)
    return count


def read_unsaved(path: Path) -> list[Interaction]:
    """The interactions of a file.

    Raises:
        StoreError: it is damaged.
    """
    found = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            row = {name: value for name, value in read_json_text(line).items() if name in NAMES}
            found.append(ADAPTER.validate_python(row))
        except (JsonProblem, ValidationError, AttributeError) as exc:
            raise StoreError(
                f"{path}, line {number}: damaged ({in_short(exc)})", remedy="look at the file, then move it away"
            ) from exc
    return found
