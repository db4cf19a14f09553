"""What an arm did in production."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTraffic:
    """What one arm did in production. `accepted` of `judged` answers were right by the people who saw them."""

    requests: int
    errors: int
    p95_ms: float
    judged: int = 0
    accepted: int = 0
