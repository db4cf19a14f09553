"""The vocabulary: frozen records for every noun that crosses a room. No I/O, no own imports but ids."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from afina.ids import (
    ClientId,
    DatasetId,
    ExampleId,
    FeedbackId,
    InteractionId,
    ModelVersionId,
    RolloutId,
    RunId,
)

Fields = dict[str, str]
"""Label fields of a classification, e.g. {"sentiment": "negativo", "topic": "envio"}."""


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
    """One user message and its answer."""

    id: InteractionId
    client: ClientId
    user: str
    text: str
    answer: str
    task: str
    source: str
    external_id: str
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


class FeedbackKind(StrEnum):
    """What a person said about an answer."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A reviewer's acceptance or correction of one interaction's answer."""

    id: FeedbackId
    client: ClientId
    interaction: InteractionId
    kind: FeedbackKind
    value: Fields
    reviewer: str
    review_seconds: float | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One trainable message with its right answer and where it came from."""

    id: ExampleId
    text: str
    target: Fields
    group: str
    """Examples of one group (a user, a conversation) never land on both sides of a split."""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that did not become an example, and why."""

    text: str
    reason: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns between a customer and whoever answered, as they were written."""

    id: str
    turns: tuple[Turn, ...]
    product: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatExample:
    """One answer worth learning: everything said before it, the answer, and what is known of both."""

    id: str
    context: tuple[Turn, ...]
    """System turn, if any, and the conversation up to the message that was answered."""
    answer: str
    group: str
    """The conversation; its examples never land on both sides of a split."""
    category: str
    quality: int
    success: bool
    product: str = ""

    def turns(self) -> tuple[Turn, ...]:
        """The whole chat, answer included."""
        return (*self.context, Turn("assistant", self.answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDataset:
    """Frozen chat examples. `id` is a hash of the content."""

    id: DatasetId
    task: str
    system: str
    train: tuple[ChatExample, ...]
    validation: tuple[ChatExample, ...]
    test: tuple[ChatExample, ...]
    card: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """One held-out message and what an arm replied. `chrf` in 0–1; `log_likelihood` of the real answer, nats a token."""

    id: str
    group: str
    """The conversation: its replies are not independent of one another."""
    expected: str
    reply: str
    chrf: float
    log_likelihood: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResult:
    """What one arm reached on held-out replies. A yardstick has no likelihood."""

    arm: str
    chrf: "Score"
    log_likelihood: "Score | None"
    replies: tuple[Replied, ...]
    tokens_per_s: float | None = None
    peak_rss_mb: float | None = None
    p95_ms: float | None = None
    seconds: float = 0.0


class Split(StrEnum):
    """The three parts of a dataset."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Frozen examples. `id` is a hash of the content, so equal content is the same dataset."""

    id: DatasetId
    task: str
    fields: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    card: dict[str, Any] = field(default_factory=dict)

    def part(self, split: Split) -> tuple[Example, ...]:
        """The examples of one split."""
        return {Split.TRAIN: self.train, Split.VALIDATION: self.validation, Split.TEST: self.test}[split]


class RunState(StrEnum):
    """Where a training run stands."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training."""

    id: RunId
    client: ClientId
    dataset: DatasetId
    base: str
    state: RunState
    config: dict[str, Any]
    result: dict[str, Any]
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A model that can be served: adapter + merged weights + GGUF + card."""

    id: ModelVersionId
    name: str
    task: str
    base: str
    gguf: str
    quantisation: str
    run: RunId | None = None
    card: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One evaluated item: what was right, what the arm answered."""

    id: str
    target: Fields
    answer: Fields
    correct: bool


class Part(StrEnum):
    """What an evaluation item is there for: the task itself, or what a tuning must not destroy."""

    TARGET = "target"
    SAFETY = "safety"
    FORGETTING = "forgetting"
    STRESS = "stress"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalItem:
    """One question of an evaluation set, and what makes an answer to it a good one."""

    id: str
    turns: tuple[Turn, ...]
    """Up to and with the message to answer."""
    part: Part = Part.TARGET
    expected: str = ""
    """A reference answer; empty = there is none."""
    group: str = ""
    """Items of one user or conversation are not independent; empty = a group of its own."""
    context: str = ""
    """The text that an answer must be grounded in."""
    rules: dict[str, Any] = field(default_factory=dict)
    """What can be checked without a reference; see `evaluate/metrics/conduct.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """Frozen items. `id` is a hash of the content; `answer_schema` binds the answers of the target part."""

    id: str
    name: str
    items: tuple[EvalItem, ...]
    answer_schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What an arm answered to one item. A failure is an output too: `error` says why there is no text."""

    item: str
    text: str = ""
    error: str = ""
    cut: bool = False
    """It was still writing when its tokens ran out."""
    milliseconds: float = 0.0
    first_ms: float = 0.0
    """Until the first token: the reading of the prompt."""
    tokens_in: int = 0
    tokens_out: int = 0
    log_likelihood: float | None = None
    """Of the expected answer, nats a token."""
    confidence: float | None = None
    """Product of the probabilities of the answer's tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRecord:
    """One arm on one set, complete in itself: whatever is needed to score it again is in here."""

    eval_set: EvalSet
    arm: str
    source: dict[str, Any]
    """What answered: file, hash, address, number of examples in the prompt."""
    outputs: tuple[Output, ...]
    """One for each item, in the set's order."""
    environment: dict[str, Any] = field(default_factory=dict)
    peak_rss_mb: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A share with its 95 % interval over n items."""

    score: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalResult:
    """What one arm (a model version or a yardstick) reached on one evaluation set."""

    arm: str
    accuracy: Score
    macro_f1: Score
    per_field: dict[str, Score]
    answers: tuple[Answered, ...]
    tokens_per_s: float | None = None
    peak_rss_mb: float | None = None
    p95_ms: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Go, no-go or cannot tell, with the statistics and the sentences that justify it."""

    go: bool
    outcome: str
    p_value: float
    difference: float
    low: float
    high: float
    n: int
    wins: int
    losses: int
    reasons: tuple[str, ...]
    because: str = ""
    """The reason that decided; a loss to a yardstick stands before it in `reasons` even where it does not block."""


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
