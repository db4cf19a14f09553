"""Which version answers whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from afina.ids import ClientId, ModelVersionId
from afina.serve.confidence import Calibration, calibration_of

NOBODY = ClientId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVersion:
    """A version in front of users. `share` is the part of users a canary serves; production serves the rest."""

    id: ModelVersionId
    name: str
    task: str
    gguf: str
    rollout: str
    canary: bool
    share: float
    prompt: str = ""
    """System prompt that it was trained with; put before what brings none."""
    schema: dict[str, Any] | None = None
    """JSON schema that binds its answers."""
    created: int = 0
    """When the version was made, seconds since 1970."""
    calibration: Calibration = field(default_factory=Calibration)
    """Of its probabilities."""
    client: ClientId = NOBODY
    """Whose it is; only its requests are answered by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who asks, and for which model."""

    client: ClientId
    user: str = ""
    model: str = ""


def live_version(row: dict[str, Any]) -> LiveVersion:
    """A row of `live_versions` as a record."""
    card = row["card"]
    return LiveVersion(
        id=ModelVersionId(row["id"]),
        name=row["name"],
        task=row["task"],
        gguf=row["gguf"],
        rollout=row["rollout"],
        canary=row["state"] == "canary",
        share=row["share"],
        prompt=card.get("prompt", ""),
        schema=card.get("answer_schema"),
        created=row["created"],
        calibration=calibration_of(card),
        client=ClientId(row["client_id"]),
    )


def bucket(user: str, *, salt: str) -> float:
    """A user's fixed place in [0, 1): below the canary's share they meet the canary, always.

    The salt is the rollout's id, so that it is not the same users who try every new version.
    """
    digest = blake2b(f"{salt}/{user}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def choose(
    live: Sequence[LiveVersion], user: str, *, model: str = "", has_production: bool = False
) -> LiveVersion | None:
    """The version that answers a user. `model` may name a version or a task; anything else means the first task.

    None when nothing is live, or when `has_production` (somebody else serves those whom no canary serves) and it is their turn.
    """
    named = [v for v in live if v.name == model]
    if named:
        return named[0]
    task = model if any(v.task == model for v in live) else (live[0].task if live else "")
    mine = [v for v in live if v.task == task]
    champion = next((v for v in mine if not v.canary), None)
    canary = next((v for v in mine if v.canary), None)
    alone = champion is None and not has_production
    if canary is not None and (alone or bucket(user, salt=canary.rollout) < canary.share):
        return canary
    return champion
