"""What is learnt: examples, the rows that became none, and frozen datasets."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from afina.ids import DatasetId, ExampleId
from afina.records.traffic import Turn


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

    @property
    def message(self) -> str:
        """The message to answer; of a plain text the text."""
        return self.turns[-1].content if self.turns else self.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An example that is not learnt, and why."""

    example: Example
    reason: str

    @property
    def text(self) -> str:
        """What a reader knows it by."""
        return self.example.message

    @property
    def source(self) -> str:
        """The interaction."""
        return self.example.source


@dataclass(frozen=True, slots=True)
class Curated:
    """What passed and what did not. Together they are as many as came in."""

    examples: tuple[Example, ...]
    rejections: tuple[Rejection, ...]


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
