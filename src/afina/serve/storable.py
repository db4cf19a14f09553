"""Makes what comes from outside fit to be stored, sent in a header, or written into a log."""

import json
from collections.abc import Mapping
from typing import Any

DEEPEST = 60
"""How deep parameters may be nested that are recorded; pydantic's own writer ends at 255."""
MOST_PARAMETERS = 100_000
"""Longest parameters that are recorded, characters of JSON."""


def storable(text: str) -> str:
    """Text without NUL characters and half characters, which PostgreSQL cannot hold: a model may write one."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """As a log can carry what came from outside: on one line, nothing that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def plain(text: str) -> str:
    """As a header can carry it."""
    return one_line(text).encode("ascii", "replace").decode()


def bounded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a row can hold them; of too large or too deep ones their names."""
    try:
        found: dict[str, Any] = cleaned(dict(parameters), DEEPEST)
        if len(json.dumps(found, ensure_ascii=False)) <= MOST_PARAMETERS:
            return found
    except RecursionError:
        pass
    return {"too_large": sorted(storable(str(name))[:200] for name in parameters)[:100]}


def cleaned(value: Any, depth: int) -> Any:
    """A value of JSON with every text storable.

    Raises:
        RecursionError: it is deeper than that.
    """
    if depth < 0:
        raise RecursionError
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(name)): cleaned(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list):
        return [cleaned(one, depth - 1) for one in value]
    return value
