"""The Protocol of a kind, and a task: a kind with the settings that make it the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from afina.files import SourceRow
from afina.records import ANSWER, Example, Exchange, FeedbackKind, Fields, Split, Turn
from afina.settings import CurateSettings, TaskSettings

Parts = Mapping[Split, Sequence[Example]]
"""The examples of every split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is learnt. `schema`: the JSON schema that the user wants answers bound by."""

    name: str
    kind: Kind
    settings: TaskSettings = field(default_factory=TaskSettings)
    curate: CurateSettings = field(default_factory=CurateSettings)
    schema: dict[str, Any] | None = None


Rule = Callable[[Example, Task], str]
"""Why an example is not learnt; empty where this rule has nothing against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a row of a file says: turns up to and with the message, the answer it got, what a person decided."""

    turns: tuple[Turn, ...]
    answer: str = ""
    decision: Fields | None = None
    """None = nobody decided anything."""
    reaction: str = ""
    conversation: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """What a kind of task says of itself. Methods with a body are what most kinds do; a kind overrides what it does otherwise."""

    name: str
    rules: tuple[Rule, ...]
    """Curation, in order: the first reason counts."""
    metrics: tuple[str, ...]
    """Measures of the held-out answers, by name; the first stands at the top of every report."""
    all_targets: bool = False
    """Every measure must become better, not one."""
    weighs: bool = False
    """The likelihood of the expected answers is a measure too."""
    asks: bool = True
    """Arms are asked to write answers; otherwise the expected texts are only weighed."""
    baselines: tuple[str, ...] = ("nearest",)
    """Cheap arms beside every result, see `evaluate/baselines.py`."""
    prose: bool = False
    """Answers are running text: what makes a bad text makes a bad answer."""
    needs_feedback: bool = True
    """Only exchanges that a person decided on can become examples."""

    def said(self, task: Task, path: Path, row: SourceRow) -> Iterable[Said]:
        """What a row of the file `path` says.

        Raises:
            InputError: the row lacks something; names line and column.
        """
        ...

    def examples(self, task: Task, exchange: Exchange) -> Iterable[Example]:
        """What is right according to a person, a reaction or the source; rules judge it afterwards."""
        ...

    def decided(self, task: Task) -> tuple[str, ...]:
        """The names of the values that a reviewer decides."""
        del task
        return (ANSWER,)

    def predicted(self, task: Task, answer: str) -> Fields:
        """An answer as the values that a reviewer sees."""
        del task
        return {ANSWER: answer}

    def key(self, example: Example) -> str:
        """Equal for what must not be learnt twice; of two with different answers the newer one is right."""
        return "\x1f".join(turn.content for turn in example.turns) or example.answer

    def compared(self, example: Example) -> tuple[str, str]:
        """Of two examples whose first texts are nearly the same, and whose second ones are equal, one teaches enough."""
        return example.message, example.answer

    def prompt(self, task: Task) -> str:
        """The short system prompt that a tuned model is trained and served with; empty = none."""
        return task.settings.prompt

    def instructions(self, task: Task, schema: dict[str, Any] | None) -> str:
        """The system prompt that the untuned base is asked with: everything its owner would tell it."""
        del schema
        return task.settings.instructions or self.prompt(task)

    def answer_schema(self, task: Task, train: Sequence[Example]) -> dict[str, Any] | None:
        """What binds every answer, by the user or by what the training part shows."""
        del train
        return task.schema

    def declared_schema(self, task: Task) -> dict[str, Any] | None:
        """What binds answers where nothing was frozen yet: what the settings alone say."""
        return task.schema

    def require_learnable(self, task: Task, examples: Sequence[Example], train: Sequence[Example]) -> None:
        """Refuse what no honest result can come from.

        Raises:
            NotEnoughDataError: says what is missing.
        """
        del task, examples, train

    def columns(self, task: Task, answer: str) -> Fields:
        """An answer as the values that a baseline predicts one by one."""
        del task
        return {ANSWER: answer}

    def joined(self, task: Task, columns: Fields) -> str:
        """The answer that such values make."""
        del task
        return columns[ANSWER]

    def card(self, task: Task, parts: Parts) -> dict[str, Any]:
        """What the data card says beyond sizes and groups."""
        del task, parts
        return {}

    def notices(self, rows: Iterable[tuple[int, Fields]]) -> list[str]:
        """What looks wrong with the decisions of a file (line, decision), for its owner to judge."""
        del rows
        return []

    def item_rules(self, task: Task) -> dict[str, Any]:
        """What every held-out item must keep, see `evaluate/metrics/conduct.py`."""
        del task
        return {}


def right_answer(exchange: Exchange) -> str | None:
    """The answer that a person said is right; None where nobody did."""
    if exchange.kind is FeedbackKind.ACCEPTED:
        return exchange.answer
    return exchange.value.get(ANSWER) if exchange.kind is FeedbackKind.CORRECTED else None
