"""Files that nothing refers to."""

import time
from pathlib import Path

import psycopg

from afina.store.named import read_queries
from afina.store.paths import BY_ID, Paths

QUERIES = read_queries("afina.store", "garbage.sql")
YOUNG_S = 3600.0
"""Younger files may belong to a command that is still at work."""


def known_ids(owner: str) -> set[str]:
    """Every id that files may belong to, of every client: `owner` must not be bound by row-level security."""
    with psycopg.connect(owner) as connection:
        connection.execute("SET row_security = off")  # an error rather than a part of the rows
        return {row[0] for row in connection.execute(QUERIES["known"]).fetchall()}


def collect(paths: Paths, *, known: set[str] | None) -> list[Path]:
    """Half-written files, and folders of runs, versions, datasets and evaluations that are not known.

    Without `known` (a database whose rows we may not see all of) only the former.
    """
    found = [p for p in paths.data.rglob(".*") if p.name.endswith(".partial") or p.name.startswith(".export-")]
    for folder in BY_ID if known is not None else ():
        place = paths.data / folder
        if place.is_dir():
            found += [p for p in sorted(place.iterdir()) if p.name not in (known or set()) and p not in found]
    old = [p for p in found if time.time() - p.stat().st_mtime > YOUNG_S]
    return [p for p in old if not any(parent in old for parent in p.parents)]
