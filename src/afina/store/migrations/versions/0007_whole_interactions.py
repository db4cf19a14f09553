"""Runs `0007_whole_interactions.sql`."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0007_whole_interactions.sql").read_text("utf-8").replace("%", "%%")
    )
