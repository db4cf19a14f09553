"""A GGUF in several files: its parts, named NAME-00001-of-00003.gguf by `llama-gguf-split`, and the one file that they are joined into."""

import re
from hashlib import blake2b
from pathlib import Path

from afina.bases.pull import home
from afina.errors import ModelError
from afina.store.paths import MANIFEST

PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


def parts_of(path: Path) -> list[Path]:
    """All parts of a model in several files, in order; empty where the name is not a part's.

    Raises:
        ModelError: one is missing.
    """
    named = PART.fullmatch(path.name)
    if named is None:
        return []
    name, _, count = named.groups()
    parts = [path.with_name(f"{name}-{at:05}-of-{count}.gguf") for at in range(1, int(count) + 1)]
    for part in parts:
        if not part.is_file():
            raise ModelError(
                f"{part}: no such file, it is one of the {int(count)} parts of {name}",
                remedy="put all of them together",
            )
    return parts


def place_of(parts: list[Path]) -> Path:
    """Where the joined file of these parts lies, by their names, sizes and times."""
    facts = [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    named = PART.fullmatch(parts[0].name)
    name = named[1] if named else parts[0].stem
    return home() / f"{name}-{blake2b(repr(facts).encode(), digest_size=4).hexdigest()}" / f"{name}.gguf"


def joined(path: Path) -> Path:
    """The whole file of a part that was joined before; any other file itself.

    Raises:
        ModelError: it was not, or a part is missing.
    """
    if not (parts := parts_of(path)):
        return path
    whole = place_of(parts)
    if not (whole.parent / MANIFEST).is_file():
        raise ModelError(
            f"{path}: one of {len(parts)} parts of a model; it is trained and served from one file",
            remedy=f"run `afina base pull {path}` once: it joins them; the name stays",
        )
    return whole
