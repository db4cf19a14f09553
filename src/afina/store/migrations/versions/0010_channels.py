"""Runs `0010_channels.sql`."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0010_channels.sql").read_text("utf-8").replace("%", "%%")
    )
