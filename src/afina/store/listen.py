"""One connection that waits for notifications."""

import threading
from typing import Any

import psycopg

from afina.store.access import database_errors


class Listener:
    """Of one channel of a database, whose address may change."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.lock = threading.Lock()
        self.dsn = ""
        self.connection: psycopg.Connection[Any] | None = None

    def wait(self, dsn: str, seconds: float) -> bool:
        """Whether something was said within so many seconds. The first call only begins to listen.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        with self.lock, database_errors():
            try:
                return self.opened(dsn, seconds)
            except psycopg.Error:
                self.close()
                raise

    def opened(self, dsn: str, seconds: float) -> bool:
        """The same, with psycopg's errors."""
        if self.connection is None or self.dsn != dsn:
            self.close()
            self.connection = psycopg.connect(dsn, autocommit=True, application_name="afina listens", connect_timeout=5)
            self.connection.execute(f"LISTEN {self.channel}")
            self.dsn = dsn
            return True
        return any(True for _ in self.connection.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        """Give the connection up."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
