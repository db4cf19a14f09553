"""Pooled connections: kept, bounded, replaced when broken, given up when the server hangs, never of another client."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import psycopg
import pytest

from afina.errors import DatabaseDownError, StoreError
from afina.store.access import client_session
from afina.store.pool import POOLS, close_pool, open_pool


@pytest.fixture
def pooled(database: str) -> Iterator[str]:
    """A database with a pool of two connections."""
    open_pool(database, most=2)
    POOLS[database].wait(timeout=10)
    yield database
    close_pool(database)


def backend(dsn: str, client: str = "a") -> int:
    """The server process that answers a session."""
    with client_session(dsn, client) as session:
        return session.info.backend_pid


def test_sessions_share_a_connection(pooled: str) -> None:
    """One after the other they are answered by the same server process; without a pool by another each."""
    assert backend(pooled) == backend(pooled)
    close_pool(pooled)
    assert backend(pooled) != backend(pooled)


def test_one_more_than_the_pool_holds_gets_a_connection_of_its_own(pooled: str) -> None:
    """Nobody waits for a pool that is in use, and the pool keeps no more than it may."""
    backend(pooled)  # the client's row is there: two transactions that both insert it would wait for each other
    with ExitStack() as stack:
        pids = {stack.enter_context(client_session(pooled, "a")).info.backend_pid for _ in range(3)}
        assert len(pids) == 3
    assert POOLS[pooled].get_stats()["pool_size"] == 2


def test_a_broken_connection_is_replaced(pooled: str) -> None:
    """A connection that the server ended between two sessions troubles nobody."""
    ended = backend(pooled)
    with psycopg.connect(pooled, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (ended,))
    assert backend(pooled) != ended


def test_a_reused_connection_forgets_its_client(pooled: str) -> None:
    """Rows of one client are not seen by the next on the same connection, and the login's rights are back between them."""
    with client_session(pooled, "a") as session:
        first = session.info.backend_pid
        assert session.execute("SELECT client_id FROM app.clients").fetchall() == [{"client_id": "a"}]
    with client_session(pooled, "b") as session:
        assert session.info.backend_pid == first
        assert session.execute("SELECT client_id FROM app.clients").fetchall() == [{"client_id": "b"}]


def test_a_failed_transaction_leaves_nothing_behind(pooled: str) -> None:
    """After a refused statement the same connection serves the next session."""
    with pytest.raises(StoreError, match="division by zero"), client_session(pooled, "a") as session:
        first = session.info.backend_pid
        session.execute("SELECT 1 / 0")
    assert backend(pooled) == first


def test_a_server_that_hangs_is_an_error_in_seconds(pooled: str) -> None:
    """A suspended server, which psycopg's own check would wait for without end."""
    pid = backend(pooled)
    parent = psutil.Process(pid).parent()
    assert parent is not None
    frozen = [parent, *parent.children(recursive=True)]
    try:
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(DatabaseDownError, match=r"timeout expired|does not answer"):
            backend(pooled)
        assert time.monotonic() - started < 15
    finally:
        for process in frozen:
            process.send_signal(signal.SIGCONT)
    assert backend(pooled)
