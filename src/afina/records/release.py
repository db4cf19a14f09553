"""A version on its way to its users."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from afina.ids import ClientId, ModelVersionId, RolloutId


class RolloutState(StrEnum):
    """Where a released model version stands."""

    CANARY = "canary"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    ROLLED_BACK = "rolled_back"


class CanaryStatus(StrEnum):
    """How a canary is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    """A signal is worse, or a guardrail leans to worse: the ramp waits."""
    UNHEALTHY = "unhealthy"
    """What is counted cannot be trusted: the draw is off, or the canary is not there."""
    FAILING = "guardrail failing"
    READY = "ready"
    STUCK = "stuck"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One model version on its way to its users. `share` is the part of users it serves, since `stepped`."""

    id: RolloutId
    client: ClientId
    task: str
    model_version: ModelVersionId
    state: RolloutState
    share: float
    status: CanaryStatus = CanaryStatus.RUNNING
    because: str = ""
    started: datetime | None = None
    stepped: datetime | None = None
