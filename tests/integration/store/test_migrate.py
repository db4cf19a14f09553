"""Migrating equals creating; tenants do not see one another; documents' SQL runs."""

import psycopg
import pytest
from psycopg import sql

from afina.errors import StoreError
from afina.store.access import client_session
from afina.store.migrate import current_revision, head_revision, migrate, schema_text
from tests.integration.store.dump_schema import dump


def test_migrating_equals_creating(server: str) -> None:
    """The committed schema.sql is what the migrations yield, and creating from it yields the same again."""
    migrated = dump(server)
    created = server.replace("dbname=afina", "dbname=created")
    with psycopg.connect(server.replace("dbname=afina", "dbname=postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE created")
    try:
        with psycopg.connect(created, autocommit=True) as connection:
            connection.execute(schema_text().replace("CREATE SCHEMA public;", "").encode())

        assert schema_text().split("\n", 1)[1] == migrated
        assert dump(created) == migrated
    finally:
        with psycopg.connect(server.replace("dbname=afina", "dbname=postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE created WITH (FORCE)")


def test_migrating_twice_does_nothing(database: str) -> None:
    """And a database of a newer program is left alone."""
    assert current_revision(database) == head_revision()
    assert migrate(database) == []
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="9999"):
        migrate(database)


def test_every_tenant_table_has_forced_row_level_security(database: str) -> None:
    """A new table without it fails here."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname IN ('app', 'ml')"
        ).fetchall()

    assert len(rows) >= 12
    assert all(forced for _, forced in rows), rows


def add_message(dsn: str, client: str, identity: str) -> None:
    """One message of a client."""
    with client_session(dsn, client) as session:
        session.execute(
            "INSERT INTO app.interactions (id, client_id, external_id, task, source, text, answer) "
            "VALUES (%s, %s, %s, 't', 's', 'hola', '{}')",
            (identity, client, identity),
        )


def test_clients_do_not_see_or_touch_one_another(database: str) -> None:
    """Not by reading, writing, views, or a foreign key to another's row."""
    add_message(database, "a", "int_a")

    with client_session(database, "b") as session:
        assert session.execute("SELECT count(*) AS n FROM app.interactions").fetchone() == {"n": 0}
        assert session.execute("SELECT count(*) AS n FROM app.event_log").fetchone() == {"n": 0}
        assert session.execute("UPDATE app.interactions SET text = 'x'").rowcount == 0
    with pytest.raises(StoreError, match="row-level security"), client_session(database, "b") as session:
        session.execute("INSERT INTO app.users (id, client_id, external_id) VALUES ('u', 'a', 'u')")
    with pytest.raises(StoreError, match="foreign key"), client_session(database, "b") as session:
        session.execute(
            "INSERT INTO app.feedback (id, client_id, interaction_id, kind, value) VALUES ('f', 'b', 'int_a', 'accepted', '{}')"
        )


def test_without_a_client_nothing_is_seen(database: str) -> None:
    """Not even by the owner of the tables."""
    add_message(database, "a", "int_a")

    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM app.interactions").fetchone() == (0,)


def test_the_audit_record_is_only_added_to(database: str) -> None:
    """The application may not rewrite what was released, and why."""
    with pytest.raises(StoreError, match="permission denied"), client_session(database, "a") as session:
        session.execute("DELETE FROM ml.rollout_events")


def test_document_000s_statement_runs_verbatim(database: str) -> None:
    """Its own SQL, character for character."""
    statement = """SELECT
  client_id,
  COUNT(*) as total_corrections,
  COUNT(DISTINCT text) as unique_messages
FROM finetuning_dataset
GROUP BY client_id;"""
    add_message(database, "a", "int_a")
    with client_session(database, "a") as session:
        session.execute(
            "INSERT INTO app.feedback (id, client_id, interaction_id, kind, value) "
            "VALUES ('f', 'a', 'int_a', 'corrected', '{\"topic\": \"pago\"}')"
        )

        assert session.execute(sql.SQL(statement)).fetchall() == [
            {"client_id": "a", "total_corrections": 1, "unique_messages": 1}
        ]
