"""Runs `0009_signals.sql`."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0009_signals.sql").read_text("utf-8").replace("%", "%%")
    )
