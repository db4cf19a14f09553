"""Runs `0001_tables.sql`."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql((Path(__file__).parents[1] / "0001_tables.sql").read_text("utf-8").replace("%", "%%"))
