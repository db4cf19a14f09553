"""What people say of an answer or a conversation, as it comes over HTTP → feedback."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from afina.ids import ClientId, FeedbackId, InteractionId, new_id
from afina.records import ANSWER, Feedback, FeedbackKind
from afina.serve.storable import storable

LIKED, DISLIKED = 5, 1
"""Ratings that a thumb stands for."""
LONGEST = 100_000


class HappenedOutcome(BaseModel):
    """What came of a conversation: {"name": "sale", "value": 12990}."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100)
    value: float | None = Field(None, allow_inf_nan=False)


class Opinion(BaseModel):
    """Body of `/v1/feedback`: of an `interaction` or a `conversation`, one or more of `liked`, `rating`, `comment`, `correction`, `outcome`; or, as
    reviewers' tools say it, `kind` with `value`.
    """

    model_config = ConfigDict(extra="forbid")
    interaction: str = Field("", max_length=100)
    conversation: str = Field("", max_length=512)
    kind: Literal["accepted", "corrected"] | None = None
    value: dict[str, str] = Field(default_factory=dict, max_length=100)
    liked: bool | None = None
    rating: int | None = Field(None, ge=1, le=5)
    comment: str = Field("", max_length=LONGEST)
    correction: str | dict[str, str] | None = Field(None, min_length=1, max_length=LONGEST)
    outcome: HappenedOutcome | None = None
    reviewer: str = Field("", max_length=500)

    @field_validator("interaction", "conversation", mode="before")
    @classmethod
    def named(cls, value: Any) -> Any:
        """Names as they are recorded: what PostgreSQL cannot hold is in none of them."""
        return storable(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def says_something(self) -> "Opinion":
        """Refuse what says nothing, or a decision about a whole conversation."""
        if bool(self.interaction) == bool(self.conversation):
            raise ValueError("either `interaction` or `conversation` is needed")
        if self.kind == "corrected" and not self.value:
            raise ValueError("a correction needs `value`")
        if not self.interaction and (self.kind or self.correction is not None):
            raise ValueError("a correction or acceptance is of one `interaction`")
        said = (self.kind, self.liked, self.rating, self.comment or None, self.correction, self.outcome)
        if all(one is None for one in said):
            raise ValueError("one of `liked`, `rating`, `comment`, `correction`, `outcome` or `kind` is needed")
        return self


def feedback_of(opinion: Opinion, *, client: ClientId) -> list[Feedback]:
    """One record for each thing that was said; the comment goes with the first."""
    said: list[tuple[FeedbackKind, dict[str, str], int | None]] = []
    if opinion.kind is not None:
        said.append((FeedbackKind(opinion.kind), opinion.value, None))
    if opinion.correction is not None:
        text = opinion.correction
        said.append((FeedbackKind.CORRECTED, {ANSWER: text} if isinstance(text, str) else text, None))
    if opinion.rating is not None:
        said.append((FeedbackKind.RATED, {}, opinion.rating))
    if opinion.liked is not None:
        said.append((FeedbackKind.RATED, {"liked": str(opinion.liked).lower()}, LIKED if opinion.liked else DISLIKED))
    if opinion.outcome is not None:
        worth = {} if opinion.outcome.value is None else {"value": f"{opinion.outcome.value:.15g}"}
        said.append((FeedbackKind.OUTCOME, {"name": opinion.outcome.name, **worth}, None))
    if opinion.comment and not said:
        said.append((FeedbackKind.COMMENT, {}, None))
    return [
        Feedback(
            id=FeedbackId(new_id("fbk")),
            client=client,
            interaction=InteractionId(opinion.interaction) if opinion.interaction else None,
            conversation=storable(opinion.conversation),
            kind=kind,
            value={storable(name): storable(text) for name, text in value.items()},
            rating=rating,
            comment=storable(opinion.comment) if at == 0 else "",
            reviewer=storable(opinion.reviewer),
        )
        for at, (kind, value, rating) in enumerate(said)
    ]
