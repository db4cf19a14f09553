"""What was said and what people said of it: turns, interactions, feedback."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from afina.ids import ClientId, FeedbackId, InteractionId, ModelVersionId

Fields = dict[str, str]
"""Values by name: a classification's labels ({"topic": "envio"}), or {"answer": "…"} where the answer is a text."""
ANSWER = "answer"
"""The name of the one value that a person decides where the answer is a text."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One chat message."""

    role: str
    content: str


class Fault(StrEnum):
    """Whose fault it is that an answer is missing or cut: only the model's counts against a model."""

    NONE = ""
    REQUEST = "request"
    CLIENT = "client"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One message and its answer, with what was said before them."""

    id: InteractionId
    client: ClientId
    user: str
    text: str
    """The message that was answered; of a document the document."""
    answer: str
    task: str
    source: str
    external_id: str
    context: tuple[Turn, ...] = ()
    """What was said before the message, system turns included."""
    reaction: str = ""
    """The user's next message, where it is known."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the source says besides, e.g. the product."""
    confidence: float | None = None
    conversation: str = ""
    model_version: ModelVersionId | None = None
    latency_ms: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    ok: bool = True
    error: str = ""
    fault: Fault = Fault.NONE
    created_at: datetime | None = None
    request_id: str = ""
    served_by: str = ""
    """Name of the version, or upstream/model."""
    variant: str = ""
    """production, canary or upstream."""
    rollout: str = ""
    """The canary's, where one was running and a draw decided who answers."""
    drawn: str = ""
    """Whom that draw fell on, canary or production, whoever answered in the end."""
    canary_share: float | None = None
    """Its share of the users then."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What the request said besides its texts: sampling, tools, the form of the answer."""
    channel: str = ""
    product: str = ""
    category: str = ""
    cost: float | None = None
    """Of an upstream's answer, in the currency of its prices."""
    findings: dict[str, int] = field(default_factory=dict)
    """Type of personal data → how often it was taken out, of all texts of the interaction. Never the values."""


class FeedbackKind(StrEnum):
    """What a person said: a decision about an answer (accepted, corrected), or evidence about it or a whole conversation."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    RATED = "rated"
    OUTCOME = "outcome"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a person said of one interaction's answer or, where `interaction` is None, of a `conversation`."""

    id: FeedbackId
    client: ClientId
    interaction: InteractionId | None
    kind: FeedbackKind
    value: Fields
    """Of a correction the right values, of an outcome its name and value."""
    reviewer: str
    conversation: str = ""
    rating: int | None = None
    """1 to 5."""
    comment: str = ""
    review_seconds: float | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a file as traffic: what was said, and what a person decided about it, if anybody did."""

    interaction: Interaction
    feedback: Feedback | None
    line: int
    """Of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing that a shop sells. `price` in its currency; `stock` None = nobody counts it; `facts` are other columns of the shop's file."""

    id: str
    name: str
    description: str = ""
    category: str = ""
    price: float | None = None
    currency: str = "CLP"
    stock: int | None = None
    url: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
