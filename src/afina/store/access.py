"""Connections that see one client's rows only."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg

from afina.errors import DatabaseDownError, DiskFullError, StoreError, in_short
from afina.store.pool import Connection, transaction

APP_ROLE = "afina_app"


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate psycopg's errors, once, at the border.

    Raises:
        DatabaseDownError, DiskFullError, StoreError: in the words of this program.
    """
    try:
        yield
    except psycopg.errors.DiskFull as exc:
        raise DiskFullError("no space left on the database's disk") from exc
    except (psycopg.OperationalError, psycopg.InterfaceError) as exc:
        raise DatabaseDownError(f"the database does not answer: {in_short(exc)}") from exc
    except psycopg.Error as exc:
        raise StoreError(f"the database refused: {in_short(exc)}") from exc


@cache
def actor() -> str:
    """Who the audit log says it was: the user of this machine under whom this program runs."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


@contextmanager
def client_session(dsn: str, client: str) -> Iterator[Connection]:
    """One transaction as the application role, confined to one client by row-level security.

    Commits when the block ends well, rolls back when it raises.
    """
    with database_errors(), transaction(dsn) as connection:
        confine(connection, client)
        yield connection


def confine(connection: psycopg.Connection[Any], client: str) -> None:
    """Give up the login's rights for this transaction and set the client."""
    connection.execute(f"SET LOCAL ROLE {APP_ROLE}")
    connection.execute(
        "SELECT set_config('app.client', %s, true), set_config('app.actor', %s, true)", (client, actor())
    )
    connection.execute(
        "INSERT INTO app.clients (client_id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING", (client, client)
    )
