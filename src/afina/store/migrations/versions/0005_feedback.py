"""Runs `0005_feedback.sql`."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0005_feedback.sql").read_text("utf-8").replace("%", "%%")
    )
