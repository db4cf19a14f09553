"""Runs `0004_one_example.sql`."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0004_one_example.sql").read_text("utf-8").replace("%", "%%")
    )
