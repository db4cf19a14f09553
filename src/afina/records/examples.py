"""What is learnt: examples, how rows were judged, and frozen datasets."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from afina.ids import DatasetId, ExampleId
from afina.records.traffic import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is known of the answer that an example was made of: curation judges by it, caps count by it, lineage finds by it."""

    user: str = ""
    conversation: str = ""
    source: str = ""
    """The file, or the gateway or channel."""
    evidence: str = ""
    """Why the answer is taken for right: corrected, accepted, rating, sale, reaction; empty = nobody said anything."""
    predicted: str = ""
    """The answer that was served, where a person wrote another one."""
    confidence: float | None = None
    latency_ms: float | None = None
    error: str = ""
    findings: dict[str, int] = field(default_factory=dict)
    """Type of personal data → how often it was taken out."""
    at: str = ""
    """When it was said, ISO 8601."""


TRUST = {"corrected": 4, "accepted": 4, "rating": 3, "sale": 3, "reaction": 2}
"""Evidence → how far it is trusted; anything else 1. Of two rows that cannot both be learnt the one of more trust stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One right answer with everything that is read before it. The task's own prompt is not in it: the dataset holds that."""

    id: ExampleId
    turns: tuple[Turn, ...]
    """Up to and with the message to answer; empty where the answer is a plain text to learn whole."""
    answer: str
    group: str = ""
    """Examples of one group (a user, a conversation, a document) never land on both sides of a split."""
    stratum: str = ""
    """What a split keeps in proportion, e.g. the label."""
    source: str = ""
    """The interaction that it was made of."""
    facts: dict[str, Any] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)

    @property
    def trust(self) -> int:
        """How far its evidence is trusted, 1 to 4."""
        return TRUST.get(self.origin.evidence, 1)

    @property
    def message(self) -> str:
        """The message to answer; of a plain text the text."""
        return self.turns[-1].content if self.turns else self.answer

    def chat(self, prompt: str) -> tuple[Turn, ...]:
        """The whole chat: the prompt where the turns bring no system turn, the turns, the answer."""
        own = bool(self.turns) and self.turns[0].role == "system"
        system = (Turn("system", prompt),) if prompt and self.turns and not own else ()
        return (*system, *self.turns, Turn("assistant", self.answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What curation made of one example: kept, or rejected by a step for a reason."""

    example: Example
    step: str = ""
    """The one that rejected it; empty = kept."""
    reason: str = ""
    fingerprint: str = ""
    """Of all that the judgement of this one row hangs on: what was said and decided, the settings and rules."""

    @property
    def kept(self) -> bool:
        """Whether it is learnt."""
        return not self.step

    @property
    def text(self) -> str:
        """What a reader knows it by."""
        return self.example.message

    @property
    def source(self) -> str:
        """The interaction."""
        return self.example.source


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCount:
    """How many rows a step got, and how many of them it rejected."""

    name: str
    rows: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curated:
    """What passed and what did not. Together they are as many as came in; `judged` can be read again and again, a row at a time."""

    judged: Collection[Judged]
    steps: tuple[StepCount, ...] = ()
    reused: int = 0
    """Rows whose own judgement was taken over, because nothing had changed."""

    @property
    def examples(self) -> tuple[Example, ...]:
        """What passed."""
        return tuple(one.example for one in self.judged if one.kept)

    @property
    def rejections(self) -> tuple[Judged, ...]:
        """What did not."""
        return tuple(one for one in self.judged if not one.kept)


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
    kind: str
    prompt: str
    """The short system prompt that the tuned model is trained and served with; empty = none."""
    answer_schema: dict[str, Any] | None
    """JSON schema that binds every answer."""
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    card: dict[str, Any] = field(default_factory=dict)

    def part(self, split: Split) -> tuple[Example, ...]:
        """The examples of one split."""
        return {Split.TRAIN: self.train, Split.VALIDATION: self.validation, Split.TEST: self.test}[split]

    def seen(self) -> tuple[Example, ...]:
        """What a training on it knows."""
        return (*self.train, *self.validation)
