"""One connection that hears what other transactions say."""

import time

import psycopg
import pytest

from afina.errors import DatabaseDownError
from afina.flows.project import Project
from afina.store.listen import Listener


def test_a_change_of_versions_or_keys_is_heard(project: Project) -> None:
    """Once; silence is told after the time."""
    listener = Listener("afina_live")
    assert listener.wait(project.dsn, 0.1), "what happened before was not heard"
    assert not listener.wait(project.dsn, 0.1)
    with project.session() as session:
        session.execute(
            "INSERT INTO app.api_keys (id, client_id, name, hash, scopes) VALUES ('k', current_setting('app.client'), 'n', 'h', '{chat}')"
        )
    began = time.monotonic()

    assert listener.wait(project.dsn, 5)
    assert time.monotonic() - began < 1
    assert not listener.wait(project.dsn, 0.1)
    listener.close()


def test_a_connection_that_breaks_is_opened_again(project: Project, server: str) -> None:
    """And says so, because something may have been missed."""
    listener = Listener("afina_live")
    listener.wait(project.dsn, 0.1)
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'afina listens'")
    with pytest.raises(DatabaseDownError):
        listener.wait(project.dsn, 1)

    assert listener.wait(project.dsn, 0.1)
    listener.close()
