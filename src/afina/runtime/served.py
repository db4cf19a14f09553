"""What a served GGUF stands for: a model of its own, or an adapter with the base that it was trained on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from afina.bases.folder import base_mark
from afina.errors import ModelError
from afina.runtime.gguf_file import check_gguf
from afina.runtime.gguf_header import open_keys

BASE, MARK = "afina.base", "afina.base_mark"
"""Keys of an adapter: the path of its base, and what tells that base from another."""


@dataclass(frozen=True, slots=True)
class Served:
    """`base` holds the weights; `adapter` lies on it, where there is one."""

    base: Path
    adapter: Path | None = None


def served_of(gguf: Path) -> Served:
    """Base and adapter behind a file.

    Raises:
        ModelError: no whole GGUF; or an adapter whose base is not named, not there, or not the same any more.
    """
    found = named_by(gguf)
    if found is None:
        return Served(gguf.resolve())
    base, mark = base_of(gguf), found[1]
    if not base.is_file():
        raise ModelError(
            f"{gguf.name}: its base {base} is not there",
            remedy='put it back there, or export again with form = "merged", which needs no other file',
        )
    if base_mark(base) != mark:
        raise ModelError(
            f"{gguf.name}: {base} has changed since the adapter was trained on it",
            remedy="put that file back, or train again on this one",
        )
    return Served(base, gguf.resolve())


def same_beside(gguf: Path, mark: str) -> Iterator[Path]:
    """Files with the base's content in the project that an adapter lies in: one that was restored elsewhere has its base with it."""
    project = gguf.resolve().parents[2:3]
    return (file for root in project for file in sorted(root.glob("bases/*/*.gguf")) if is_base(file, mark))


def is_base(file: Path, mark: str) -> bool:
    """Whether a file has this mark; a dangling link has none."""
    return file.is_file() and base_mark(file) == mark


def base_of(gguf: Path) -> Path:
    """The file with the weights, not looked into.

    Raises:
        ModelError: see `served_of`.
    """
    found = named_by(gguf)
    if found is None:
        return gguf
    base, mark = found
    return base if base.is_file() else next(same_beside(gguf, mark), base)


def named_by(gguf: Path) -> tuple[Path, str] | None:
    """An adapter's base and that base's mark, as its keys name them; None of a model of its own. Remembered until the file changes.

    Raises:
        ModelError: no whole GGUF, or an adapter that names no base.
    """
    return read_named(gguf, gguf.stat().st_mtime if gguf.is_file() else 0.0)


@lru_cache(maxsize=64)
def read_named(gguf: Path, modified: float) -> tuple[Path, str] | None:
    """`named_by` of one state of a file."""
    del modified
    check_gguf(gguf)
    with open_keys(gguf) as keys:
        if keys.text("general.type") != "adapter":
            return None
        name, mark = keys.text(BASE), keys.text(MARK)
    if name is None or mark is None:
        raise ModelError(
            f"{gguf.name}: an adapter that does not say what it was trained on", remedy="run `afina export` again"
        )
    return Path(name), mark
