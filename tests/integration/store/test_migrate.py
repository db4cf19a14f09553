"""Migrating equals creating; tenants do not see one another; documents' SQL runs."""

import json

import psycopg
import pytest
from psycopg import sql

from afina.errors import StoreError
from afina.export import get_version
from afina.freeze import load_dataset
from afina.ids import DatasetId
from afina.records import Turn
from afina.store.access import client_session
from afina.store.migrate import FOLDER, current_revision, head_revision, migrate, schema_text
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


def test_datasets_and_versions_from_before_keep_their_prompt_and_schema(server: str) -> None:
    """Migration 0004: labels become a schema in the order of the fields, messages become turns; nothing is lost."""
    maintenance = server.replace("dbname=afina", "dbname=postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute("CREATE DATABASE before_0004")
    dsn = server.replace("dbname=afina", "dbname=before_0004")
    files = sorted(FOLDER.glob("*.sql"))
    labels = '{"topic": ["envío", "pago"], "a": ["x", "y"]}'
    card = f'{{"fields": ["topic", "a"], "labels": {labels}, "label_names": {labels}, "dataset": "dat_1"}}'
    try:
        with psycopg.connect(dsn) as connection:
            for file in files[:3]:
                connection.execute(file.read_bytes())
            connection.execute("SELECT set_config('app.client', 'c', true)")
            connection.execute("INSERT INTO app.clients (client_id) VALUES ('c')")
            connection.execute(
                "INSERT INTO ml.datasets (id, client_id, task, card) VALUES ('dat_1', 'c', 't', %s)", (card,)
            )
            connection.execute(
                "INSERT INTO ml.dataset_examples VALUES ('c', 'dat_1', 'exa_1', 'train', 0, 'hola', %s, 'g')",
                ('{"topic": "pago", "a": "x"}',),
            )
            connection.execute(
                "INSERT INTO ml.model_versions (id, client_id, name, task, base, gguf, quantisation, card) "
                "VALUES ('mod_1', 'c', 'v', 't', 'b', 'g', 'q8_0', %s)",
                (card,),
            )
            for file in files[3:]:
                connection.execute(file.read_bytes())
        with client_session(dsn, "c") as session:
            dataset = load_dataset(session, DatasetId("dat_1"))
            version = get_version(session, "v", task="t")
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute("DROP DATABASE before_0004 WITH (FORCE)")

    assert dataset.prompt == version.card["prompt"] == "Clasifica el mensaje. Campos: topic, a."
    assert dataset.answer_schema == version.card["answer_schema"]
    assert list(version.card["answer_schema"]["properties"]) == ["topic", "a"]
    assert version.card["answer_schema"]["properties"]["topic"]["enum"] == ["envío", "pago"]
    assert version.card["dataset"] == "dat_1"
    assert dataset.train[0].turns == (Turn("user", "hola"),)
    assert json.loads(dataset.train[0].answer) == {"topic": "pago", "a": "x"}


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
