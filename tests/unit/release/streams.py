"""Streams of users before a canary, for tests."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from afina.release.canary import DRAWS, Events
from afina.release.draws import Seen


def stream(
    users: int, harm: Mapping[str, float] = MappingProxyType({}), *, share: float = 0.5, drawn: float | None = None
) -> Events:
    """Everybody asks once. `harm`: what the canary adds, points of `errors` and `feedback`, a factor of `latency`. `drawn`: who really met it."""
    rng = np.random.default_rng(0)
    canary = rng.random(users) < (share if drawn is None else drawn)
    bad = rng.random(users) < 0.2 + harm.get("feedback", 0.0) * canary
    failed = rng.random(users) < 0.01 + harm.get("errors", 0.0) * canary
    latency = 800 * np.exp(rng.normal(0, 0.5, users)) * np.where(canary, harm.get("latency", 1.0), 1.0)

    def one(value: np.ndarray) -> Seen:
        numbers = np.arange(users)
        return Seen(at=numbers, user=numbers, canary=canary, share=np.full(users, share), value=value.astype(float))

    return {DRAWS: one(np.zeros(users)), "errors": one(failed), "latency": one(latency), "feedback": one(bad)}
