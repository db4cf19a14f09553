"""Training gives way to serving: whether the people who are served wait too long just now."""

import time
from collections.abc import Callable

from afina.errors import StoreError
from afina.flows.postgres_ledger import PostgresLedger
from afina.flows.project import Project
from afina.serve.live import recent_p95

LOOK_EVERY_S = 5.0


def serving_suffers(project: Project, *, clock: Callable[[], float] = time.monotonic) -> Callable[[], str]:
    """A question to ask between steps: why to wait, or nothing. It looks at most every five seconds at the p95 of the last
    half minute. Where there is no database nobody is served.
    """
    limit = project.settings.serve.training_waits_above_ms
    ledger = project.ledger
    looked, why = -LOOK_EVERY_S, ""

    def ask() -> str:
        nonlocal looked, why
        if isinstance(ledger, PostgresLedger) and limit and clock() - looked >= LOOK_EVERY_S:
            try:
                with ledger.session() as session:
                    p95 = recent_p95(session)
            except StoreError:  # a database that is away is no reason to stop training
                p95 = 0.0
            looked = clock()
            why = f"waiting: answers take {p95:.0f} ms (p95), more than {limit:.0f}" if p95 > limit else ""
        return why

    return ask
