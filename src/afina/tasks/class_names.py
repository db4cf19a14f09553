"""What looks wrong with the names of classes, with the lines: nobody but the owner knows whether two of them are one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from afina.records import Fields
from afina.sameness import label, label_variant

MISSING = frozenset({"nan", "null", "none", "nil", "n/a", "na", "#n/a", "<na>", "undefined", "?", "-"})
"""How programs write a missing value into a text column."""
TRUTH = {"true": "1", "false": "0"}
SHOWN_LINES = 5


def class_name_notices(rows: Iterable[tuple[int, Fields]]) -> list[str]:
    """Classes that may be one by case, accents or number, and classes that read like a missing value.

    Args:
        rows: line number and decision of every row of a file.
    """
    lines: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for line, target in rows:
        for field, value in target.items():
            if label(value):
                lines[field][label(value)].append(line)
    return [notice for field, classes in lines.items() for notice in notices_of(field, classes)]


def notices_of(field: str, classes: dict[str, list[int]]) -> list[str]:
    """The notices of one field."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        alike[meant(name)].append(name)
    found = []
    for names in alike.values():
        if len(names) > 1:
            listed = " and ".join(f"{name!r} ({where(classes[name])})" for name in sorted(names))
            found.append(
                f"{field}: {listed} are {len(names)} classes; if they are meant as one, give them one spelling"
            )
    for name, places in classes.items():
        if name.casefold() in MISSING:
            found.append(
                f"{field}: {name!r} ({where(places)}) reads like a missing value; it is learnt as a class unless it is emptied"
            )
    return found


def meant(name: str) -> str:
    """Equal for classes that people and programs confuse: case, accents, 1 and 1.0, true and 1."""
    plain = label_variant(name)
    try:
        return f"{float(plain):g}"
    except ValueError:
        return TRUTH.get(plain, plain)


def where(lines: Sequence[int]) -> str:
    """Lines in words."""
    shown = ", ".join(map(str, lines[:SHOWN_LINES])) + (" …" if len(lines) > SHOWN_LINES else "")
    return f"line {shown}" if len(lines) == 1 else f"{len(lines)} rows, lines {shown}"
