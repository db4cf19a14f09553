"""A database of its own for a benchmark: PostgreSQL embedded in a temporary folder, migrated, stopped in the end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afina.store.migrate import migrate
from afina.store.pool import close_pool, open_pool
from afina.store.server import embedded_dsn, stop_embedded


@contextmanager
def database(*, connections: int = 16) -> Iterator[str]:
    """Its address."""
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / ".afina" / "database"
        dsn = embedded_dsn(control, idle_stop_minutes=1)
        migrate(dsn)
        open_pool(dsn, most=connections)
        try:
            yield dsn
        finally:
            close_pool(dsn)
            stop_embedded(control)
