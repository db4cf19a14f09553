"""An alert when people correct the answers of what is in production more often than they did."""

from datetime import datetime, timedelta

from afina.loop.diary import QUERIES
from afina.store.pool import Connection

DAYS, FEWEST = 7, 30
"""The last week against the time before, with so many decisions at least on either side."""
POINTS, CHANCE = 0.05, 0.01
"""A drop of five points that chance gives less than once in a hundred."""


def drop(session: Connection, *, task: str, at: datetime) -> str:
    """What has become worse, in a sentence; empty = nothing that could be told."""
    span = {"task": task, "since": at - timedelta(days=DAYS), "until": at}
    row = session.execute(QUERIES["decided"], span).fetchone()
    if row is None or min(row["decided"], row["decided_before"]) < FEWEST:
        return ""
    now, before = row["accepted"] / row["decided"], row["accepted_before"] / row["decided_before"]
    if before - now < POINTS:
        return ""
    from scipy.stats import fisher_exact  # 0.6 s: only where something has dropped

    table = [
        [row["accepted"], row["decided"] - row["accepted"]],
        [row["accepted_before"], row["decided_before"] - row["accepted_before"]],
    ]
    chance = float(fisher_exact(table, alternative="less").pvalue)
    if chance >= CHANCE:
        return ""
    return f"people accept {now:.0%} of {row['decided']} answers of the last week, {before:.0%} of {row['decided_before']} before (p = {chance:.2g})"
