"""Alembic's entry point: it only runs the hand-written files of `versions/` on the connection it is given."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="public")
with context.begin_transaction():
    context.run_migrations()
