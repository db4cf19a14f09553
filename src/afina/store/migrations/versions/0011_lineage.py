"""Runs `0011_lineage.sql`."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0011_lineage.sql").read_text("utf-8").replace("%", "%%")
    )
