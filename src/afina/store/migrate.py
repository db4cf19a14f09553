"""Brings a database to the newest schema. `schema.sql` is what migrating yields; a test proves that they agree."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from afina.errors import StoreError

FOLDER = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x61666E61
"""Advisory lock: two commands that start on a fresh database migrate it once."""


def migrate(dsn: str) -> list[str]:
    """Apply what is missing, in one transaction. Returns the revisions applied.

    Raises:
        StoreError: the database is newer than this program, or a migration failed.
    """
    if current_revision(dsn) == head_revision() and queue_exists(dsn):
        return []
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    scripts = ScriptDirectory.from_config(config)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        before = MigrationContext.configure(connection, opts={"version_table_schema": "public"}).get_current_revision()
        known = {script.revision for script in scripts.walk_revisions()}
        if before is not None and before not in known:
            raise StoreError(
                f"the database is at revision {before}, which this version of afina does not know",
                remedy="install the newer afina that wrote it",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    create_queue(dsn)
    return [s.revision for s in scripts.walk_revisions() if before is None or s.revision > before]


def head_revision() -> str:
    """The newest revision this program knows."""
    return sorted(path.stem.split("_")[0] for path in FOLDER.glob("*.sql"))[-1]


def current_revision(dsn: str) -> str | None:
    """The database's revision; None when it is empty."""
    with psycopg.connect(dsn) as connection:
        known = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if known is None or known[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    return str(row[0]) if row else None


def queue_exists(dsn: str) -> bool:
    """Whether the job queue's tables are there."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT to_regclass('queue.procrastinate_jobs')").fetchone()
    return row is not None and row[0] is not None


def create_queue(dsn: str) -> None:
    """Create procrastinate's tables in a schema of their own, open to the application role."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        row = connection.execute("SELECT to_regclass('queue.procrastinate_jobs')").fetchone()
        if row is not None and row[0] is not None:
            return
        with connection.transaction():
            connection.execute("CREATE SCHEMA IF NOT EXISTS queue")
            connection.execute("SET LOCAL search_path = queue")
            connection.execute(SchemaManager.get_schema())


def schema_text() -> str:
    """The whole schema as `pg_dump` prints it after migrating."""
    return (FOLDER.parent / "schema.sql").read_text("utf-8")
