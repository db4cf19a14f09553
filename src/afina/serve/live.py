"""What the database says should be in front of users."""

from afina.serve.route import LiveVersion, live_version
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.serve")


def read_live(session: Connection) -> list[LiveVersion]:
    """Live versions of the session's client."""
    return [live_version(row) for row in session.execute(QUERIES["live_versions"]).fetchall()]


def recent_p95(session: Connection) -> float:
    """p95 latency (ms) of the client's answers of the last half minute; 0 without any."""
    row = session.execute(QUERIES["recent_latency"]).fetchone()
    return float(row["p95_ms"]) if row else 0.0
