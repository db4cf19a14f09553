"""Training gives way to people: whether those who are served wait too long just now, and at which hours it may work at all."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from afina.errors import StoreError
from afina.flows.postgres_ledger import PostgresLedger
from afina.flows.project import Project
from afina.serve.live import recent_p95

LOOK_EVERY_S = 5.0


def serving_suffers(project: Project, *, clock: Callable[[], float] = time.monotonic) -> Callable[[], str]:
    """A question to ask between steps: why to wait, or nothing. It looks at most every five seconds at the p95 of the last
    half minute. Where there is no database nobody is served.
    """
    limit, hours = project.settings.serve.training_waits_above_ms, project.settings.loop.heavy_hours
    ledger = project.ledger
    looked, why = -LOOK_EVERY_S, ""

    def ask() -> str:
        nonlocal looked, why
        if isinstance(ledger, PostgresLedger) and clock() - looked >= LOOK_EVERY_S:
            looked = clock()
            why = outside_hours(hours, datetime.now(UTC)) or too_slow(ledger, limit)
        return why

    return ask


def too_slow(ledger: PostgresLedger, limit: float) -> str:
    """Why to wait for those who are served; 0 = never."""
    if not limit:
        return ""
    try:
        with ledger.session() as session:
            p95 = recent_p95(session)
    except StoreError:  # a database that is away is no reason to stop training
        return ""
    return f"waiting: answers take {p95:.0f} ms (p95), more than {limit:.0f}" if p95 > limit else ""


def outside_hours(hours: str, at: datetime) -> str:
    """Why to wait at this time; `hours` as the settings have it: "22-6" goes over midnight, local time; empty = any."""
    if not hours:
        return ""
    first, last = map(int, hours.split("-"))
    hour = at.astimezone().hour
    inside = first <= hour < last if first < last else hour >= first or hour < last
    return "" if inside else f"waiting: heavy work is for the hours {hours}"
