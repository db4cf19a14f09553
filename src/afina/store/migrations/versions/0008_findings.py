"""Runs `0008_findings.sql`."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0008_findings.sql").read_text("utf-8").replace("%", "%%")
    )
