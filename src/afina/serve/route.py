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
    """Who asks, and for which model. Who has no name is drawn by the conversation."""

    client: ClientId
    user: str = ""
    conversation: str = ""
    model: str = ""

    @property
    def person(self) -> str:
        """Who is drawn; empty = nobody who could be known again."""
        return self.user or (f"conversation/{self.conversation}" if self.conversation else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Which version a user's draw fell on while a canary was running."""

    rollout: str
    canary: bool
    share: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The version that answers, and the draw that decided it, if one did."""

    version: LiveVersion | None = None
    draw: Draw | None = None


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


def choose(live: Sequence[LiveVersion], person: str, *, model: str = "", has_production: bool = False) -> Choice:
    """The version that answers a person. `model` may name a version or a task; anything else means the first task.

    No version when nothing is live, or when `has_production` (somebody else serves those whom no canary serves) and it is their turn.
    Who cannot be known again is served by production: they could not go on meeting the canary.
    """
    named = [v for v in live if v.name == model]
    if named:
        return Choice(named[0])
    task = model if any(v.task == model for v in live) else (live[0].task if live else "")
    mine = [v for v in live if v.task == task]
    champion = next((v for v in mine if not v.canary), None)
    canary = next((v for v in mine if v.canary), None)
    if canary is None:
        return Choice(champion)
    if champion is None and not has_production:
        return Choice(canary)
    if not person:
        return Choice(champion)
    met = bucket(person, salt=canary.rollout) < canary.share
    return Choice(canary if met else champion, Draw(rollout=canary.rollout, canary=met, share=canary.share))
