"""Writes `src/afina/store/schema.sql` from a migrated database: `make schema`."""

import re
import tempfile
from pathlib import Path

from afina.store import migrate as migrate_module
from afina.store.backup import pg_tool
from afina.store.migrate import migrate
from afina.store.server import embedded_dsn

FILE = Path(migrate_module.__file__).parent / "schema.sql"


def dump(dsn: str) -> str:
    """The schema without what differs between two dumps of the same one."""
    text = pg_tool(
        "pg_dump",
        dsn,
        ["--schema-only", "--no-owner", "--schema=app", "--schema=ml", "--schema=analytics", "--schema=public"],
    ).stdout
    return re.sub(r"^(--.*|\\(un)?restrict.*)?\n", "", text, flags=re.MULTILINE)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / ".afina" / "database"
        dsn = embedded_dsn(control, idle_stop_minutes=1)
        migrate(dsn)
        FILE.write_text("-- What migrating yields; written by `make schema`.\n" + dump(dsn), "utf-8")
