"""Runs `0003_faults.sql`."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql((Path(__file__).parents[1] / "0003_faults.sql").read_text("utf-8").replace("%", "%%"))
