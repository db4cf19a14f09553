"""Named SQL: `.sql` files hold `-- name: purpose` blocks; Python holds no SQL of its own.

-- add_feedback: one row per reviewer's word
INSERT INTO …
"""

import re
from importlib import resources

HEADING = re.compile(r"^-- (?P<name>[a-z_]+): ", re.MULTILINE)


def read_queries(package: str, file: str = "queries.sql") -> dict[str, bytes]:
    """The queries of a room, by name. Bytes, because psycopg accepts those for statements known in advance."""
    text = resources.files(package).joinpath(file).read_text("utf-8")
    parts = HEADING.split(text)[1:]
    queries = {
        name: body.split("\n", 1)[1].strip().encode() for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
    if len(queries) * 2 != len(parts):
        msg = f"{package}/{file}: a query name is used twice"
        raise ValueError(msg)
    return queries
