"""Runs `0012_canary.sql`."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql((Path(__file__).parents[1] / "0012_canary.sql").read_text("utf-8").replace("%", "%%"))
