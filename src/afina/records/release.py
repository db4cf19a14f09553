"""A version on its way to its users."""

from dataclasses import dataclass
from enum import StrEnum

from afina.ids import ClientId, ModelVersionId, RolloutId


class RolloutState(StrEnum):
    """Where a released model version stands."""

    CANARY = "canary"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One model version on its way to its users. `share` is the part of users it serves."""

    id: RolloutId
    client: ClientId
    task: str
    model_version: ModelVersionId
    state: RolloutState
    share: float
