"""Training gives way to serving: whether the people who are served wait too long just now."""

import time
from collections.abc import Callable

from afina.errors import StoreError
from afina.loop.project import Project
from afina.serve.live import recent_p95

LOOK_EVERY_S = 5.0


def serving_suffers(
    project: Project, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
) -> Callable[[], bool]:
    """A question to ask between steps. It looks at most every five seconds at the p95 of the last half minute."""
    limit = project.settings.serve.training_waits_above_ms
    looked, suffers = -LOOK_EVERY_S, False

    def ask() -> bool:
        nonlocal looked, suffers
        if limit and clock() - looked >= LOOK_EVERY_S:
            try:
                with project.session() as session:
                    p95 = recent_p95(session)
            except StoreError:  # a database that is away is no reason to stop training
                p95 = 0.0
            looked, suffers = clock(), p95 > limit
            if suffers:
                say(f"waiting: answers take {p95:.0f} ms (p95), more than {limit:.0f}")
        return suffers

    return ask
