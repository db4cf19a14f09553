"""Runs `0002_document_views.sql`."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply the file."""
    op.get_bind().exec_driver_sql(
        (Path(__file__).parents[1] / "0002_document_views.sql").read_text("utf-8").replace("%", "%%")
    )
