"""Files that nothing refers to."""

from pathlib import Path

from afina.store.access import Connection
from afina.store.named import read_queries
from afina.store.paths import Paths

QUERIES = read_queries("afina.store", "garbage.sql")


def collect(session: Connection, paths: Paths) -> list[Path]:
    """Half-written files, and folders of runs, versions and datasets that the database does not know."""
    known = {row["id"] for row in session.execute(QUERIES["known"]).fetchall()}
    found = [
        path for path in paths.data.rglob(".*") if path.name.endswith(".partial") or path.name.startswith(".export-")
    ]
    for folder in ("runs", "models", "datasets"):
        place = paths.data / folder
        if place.is_dir():
            found += [path for path in sorted(place.iterdir()) if path.name not in known and path not in found]
    return [path for path in found if not any(parent in found for parent in path.parents)]
