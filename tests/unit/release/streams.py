"""Streams of users before a canary, for tests."""

import numpy as np

from afina.release.canary import DRAWS, Events
from afina.release.draws import Seen


def stream(users: int, *, share: float = 0.5, drawn: float | None = None, seed: int = 0, **more: float) -> Events:
    """Everybody asks once. `errors`, `feedback`: points of harm that the canary adds; `latency`: a factor. `drawn`: who really met it."""
    rng = np.random.default_rng(seed)
    canary = rng.random(users) < (share if drawn is None else drawn)
    bad = rng.random(users) < 0.2 + more.get("feedback", 0.0) * canary
    failed = rng.random(users) < 0.01 + more.get("errors", 0.0) * canary
    latency = 800 * np.exp(rng.normal(0, 0.5, users)) * np.where(canary, more.get("latency", 1.0), 1.0)

    def one(value: np.ndarray) -> Seen:
        numbers = np.arange(users)
        return Seen(at=numbers, user=numbers, canary=canary, share=np.full(users, share), value=value.astype(float))

    return {DRAWS: one(np.zeros(users)), "errors": one(failed), "latency": one(latency), "feedback": one(bad)}
