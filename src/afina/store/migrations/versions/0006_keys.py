"""Runs `0006_keys.sql`."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql((Path(__file__).parents[1] / "0006_keys.sql").read_text("utf-8").replace("%", "%%"))
