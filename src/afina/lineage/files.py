"""A person out of the files of a project: datasets and evaluations by their ids, everything else by the words in it."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from afina.lineage.erase import ERASED, Held, without
from afina.lineage.marks import Marks
from afina.store.paths import Paths, write_json, write_whole

WEIGHTS = {".gguf", ".safetensors", ".bin", ".pt"}
APART = ("database", "bases", "spool", "backups", "vault", "privacy")
"""Folders of other kinds: the cluster, files of others, what is sealed, archives."""


def text_files(paths: Paths) -> Iterator[Path]:
    """Files of the project that may hold words."""
    if not paths.data.is_dir():
        return
    for folder in sorted(paths.data.iterdir()):
        if folder.name not in APART:
            files = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
            yield from (path for path in files if path.is_file() and path.suffix not in WEIGHTS)


SUITE = ".corrections.jsonl"
"""Corrections of everybody that a version was asked again: it is asked anew, so it need not be searched."""


def files_of(paths: Paths, held: Held, marks: Marks) -> list[Path]:
    """Files and folders that hold something of a person."""
    found = [
        place for one in held.datasets for place in (paths.dataset(one.id), paths.evaluation(one.id)) if place.exists()
    ]
    inside = [path for path in text_files(paths) if not any(place in path.parents for place in found)]
    asked = {path for path in inside if path.name.endswith(SUITE)} if held.datasets else set[Path]()
    return [*found, *(path for path in inside if path in asked or marks.in_file(path))]


def erase_files(paths: Paths, held: Held, marks: Marks) -> list[Path]:
    """Take a person out of every file; what was changed or deleted. Doing it again does nothing more."""
    found = files_of(paths, held, marks)
    buried = {paths.dataset(one.id): one for one in held.datasets}
    for place in found:
        if place.is_dir():
            shutil.rmtree(place)
            if place in buried:
                write_json(place / "tombstone.json", {"id": buried[place].id, "erased_rows": buried[place].rows})
        elif place.name.endswith(SUITE):
            place.unlink()
        else:
            clean_file(place, marks)
    return found


def clean_file(path: Path, marks: Marks) -> None:
    """A file without a person's words; one that cannot be read as text is deleted."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        path.unlink()
        return
    if path.suffix == ".json":
        value = parsed(text)
        if value is not None:
            write_json(path, without(value, marks))
            return
    write_whole(path, "".join(clean_lines(text.splitlines(keepends=True), marks, rows=path.suffix == ".jsonl")))


def clean_lines(lines: Iterable[str], marks: Marks, *, rows: bool) -> Iterator[str]:
    """Lines without those that hold a person's words; of rows of data nothing stays of them."""
    for line in lines:
        if not marks.in_text(line):
            yield line
        elif not rows:
            yield f"{ERASED}\n"


def parsed(text: str) -> Any:
    """JSON; None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
