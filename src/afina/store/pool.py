"""Connections that stay open between transactions: one pool for a database and a process.

A session on a pooled connection takes 0.5 ms, one on a new connection 6.5 ms (login and TLS of the password; `docs/lab-notes.md`).
"""

import atexit
import logging
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

Row = dict[str, Any]
Connection = psycopg.Connection[Row]

CHECK_S = 2.0
"""Longest wait for a kept connection to answer before it is used."""
WAIT_S = 1.0
"""Longest wait for a pooled connection before a new one is opened directly."""
POOLS: dict[str, ConnectionPool[Connection]] = {}
LOCK = threading.Lock()
logging.getLogger("psycopg.pool").setLevel(
    logging.ERROR
)  # it warns of every retry; the caller's own error says it once


def open_pool(dsn: str, *, most: int) -> None:
    """Keep between 1 and `most` connections to a database from now on.

    The one that always stays counts as a user, so the embedded server does not stop while this process needs it.
    """
    with LOCK:
        if dsn not in POOLS:
            POOLS[dsn] = ConnectionPool(
                dsn,
                min_size=1,
                max_size=most,
                check=require_answer,
                kwargs={"row_factory": dict_row, "application_name": "afina"},
                connection_class=psycopg.Connection[Row],
                open=True,
            )


@atexit.register
def close_pools() -> None:
    """Close every pool, while the interpreter can still stop their threads."""
    with LOCK:
        while POOLS:
            POOLS.popitem()[1].close()


def close_pool(dsn: str) -> None:
    """Close a database's pool, if there is one."""
    with LOCK:
        pool = POOLS.pop(dsn, None)
    if pool is not None:
        pool.close()


def require_answer(connection: psycopg.Connection[Any]) -> None:
    """Make sure that a kept connection still answers: an empty query, with a time limit.

    psycopg's own check has no time limit: with a server that was suspended it waits for ever.

    Raises:
        psycopg.OperationalError: the connection is broken, or the server said nothing in time.
    """
    connection.pgconn.send_query(b"")
    if not select.select([connection.fileno()], [], [], CHECK_S)[0]:
        raise psycopg.OperationalError(f"no answer within {CHECK_S:g} s")
    while connection.pgconn.get_result() is not None:
        pass
    if connection.closed:
        raise psycopg.OperationalError("the connection was closed")


@contextmanager
def transaction(dsn: str) -> Iterator[Connection]:
    """One transaction: committed when the block ends well, rolled back when it raises.

    Where the pool has no connection in time, a new one is opened: its error names the cause, the pool's only the time.

    Raises:
        psycopg.Error: the database does not answer, or refused a statement.
    """
    pool = POOLS.get(dsn)
    try:
        kept = pool.getconn(timeout=WAIT_S) if pool else None
    except PoolTimeout:
        kept = None
    if pool is None or kept is None:
        with psycopg.connect(dsn, row_factory=dict_row, application_name="afina") as connection:
            yield connection
        return
    try:
        with kept:  # a pooled connection stays open at the end of its block
            yield kept
    finally:
        pool.putconn(kept)
