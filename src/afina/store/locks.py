"""A lock that its holder cannot forget: PostgreSQL's own, gone with the connection, however its process ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from afina.store.access import database_errors


@contextmanager
def held(dsn: str, name: str) -> Iterator[bool]:
    """Whether this block holds the lock of that name, of all who ask this database.

    Raises:
        DatabaseDownError: it does not answer.
    """
    with database_errors():
        connection = psycopg.connect(dsn, autocommit=True, application_name="afina holds a lock", connect_timeout=10)
    with connection:
        with database_errors():
            row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchone()
        yield bool(row and row[0])
