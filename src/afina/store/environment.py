"""libpq's environment is for other databases: it must not reach the embedded server.

`PGSSLMODE=require`, `PGSERVICE`, `PGHOSTADDR` and some thirty more, meant for somebody's production database, change every
connection that libpq makes in the process, and several of them cannot be overridden in a connection string.
"""

import os

from psycopg.pq import Conninfo

MORE = (
    "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGDATA", "PGCTLTIMEOUT", "PGREALM",
    "PGREQUIRESSL", "PG_COLOR",
)  # fmt: skip
"""What libpq and the server's programs read beside the options of a connection string."""


def libpq_names() -> set[str]:
    """The names of libpq's environment variables, as the installed libpq itself lists them."""
    return {option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar} | set(MORE)


def forget_libpq() -> None:
    """Take libpq's variables out of this process's environment, for a process that talks to the embedded server."""
    for name in libpq_names() & os.environ.keys():
        del os.environ[name]
