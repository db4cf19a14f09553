"""Questions, what arms answered, and what the answers are worth."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from afina.records.traffic import Turn

LIKELIHOOD = "log_likelihood"
"""The measure: mean log-likelihood of the expected answer, nats per token."""


class Part(StrEnum):
    """What an evaluation item is there for: the task itself, or what a tuning must not destroy."""

    TARGET = "target"
    SAFETY = "safety"
    FORGETTING = "forgetting"
    STRESS = "stress"


GUARDED = (Part.SAFETY, Part.FORGETTING)
"""The parts on which a tuned model must not become worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalItem:
    """One question of an evaluation set, and what makes an answer to it a good one."""

    id: str
    turns: tuple[Turn, ...]
    """Up to and with the message to answer; empty = nothing is asked, the expected text itself is weighed."""
    part: Part = Part.TARGET
    expected: str = ""
    """A reference answer; empty = there is none."""
    group: str = ""
    """Items of one user or conversation are not independent; empty = a group of its own."""
    context: str = ""
    """The text that an answer must be grounded in."""
    rules: dict[str, Any] = field(default_factory=dict)
    """What can be checked without a reference; see `evaluate/metrics/conduct.py`."""
    answer_schema: dict[str, Any] | None = None
    """Binds the answer to this item, in place of the set's; None = the set's does."""

    @property
    def question(self) -> str:
        """The message to answer; of a plain text the text."""
        return self.turns[-1].content if self.turns else self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """Frozen items. `id` is a hash of the content; `answer_schema` binds the answers of the target part."""

    id: str
    name: str
    items: tuple[EvalItem, ...]
    answer_schema: dict[str, Any] | None = None

    def binding(self, item: EvalItem) -> dict[str, Any] | None:
        """What binds the answer to an item; None = nothing does."""
        return (item.answer_schema or self.answer_schema) if item.part is Part.TARGET else None


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
    """Mean log-likelihood of the expected answer, nats per token."""
    confidence: float | None = None
    """Product of the probabilities of the answer's tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRecord:
    """One arm on one set, complete in itself: whatever is needed to score it again is in here."""

    eval_set: EvalSet
    arm: str
    source: dict[str, Any]
    """What answered: file, hash, address, system prompt, number of examples in the prompt."""
    outputs: tuple[Output, ...]
    """One for each item, in the set's order."""
    environment: dict[str, Any] = field(default_factory=dict)
    peak_rss_mb: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An arm's record with its scores by metric and item."""

    record: EvalRecord
    scores: dict[str, dict[str, float]]

    @property
    def name(self) -> str:
        """The arm's."""
        return self.record.arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mean or a share with its 95 % interval over n items."""

    score: float
    low: float
    high: float
    n: int
