"""Files → evaluation sets, imported answers, training examples."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from pydantic import AliasChoices, Field

from afina.errors import InputError
from afina.evaluate.sets import make_set, read_item, starter_items
from afina.files.forms import Form, Identity, Message, Text, place, read_forms
from afina.files.rows import read_rows
from afina.records import EvalItem, EvalSet, Part


def read_set(path: Path, *, starters: Iterable[Part] = (), least: int = 1) -> EvalSet:
    """A file of items, and the project's own items of the parts of which it has fewer than `least`.

    Raises:
        InputError: names line and key.
    """
    items = [read_item(row.values, place(path, row)) for row in read_rows(path)]
    return make_set(path.stem, with_starters(items, starters, least=least))


def with_starters(items: Iterable[EvalItem], starters: Iterable[Part], *, least: int = 1) -> list[EvalItem]:
    """The items with the project's own of the parts of which they have fewer than `least`: too few decide nothing."""
    own = list(items)
    have = Counter(item.part for item in own)
    return [*own, *(item for part in starters if have[part] < least for item in starter_items(part))]


class AnswerRow(Form):
    """An answer that was made elsewhere."""

    id: Identity
    text: Text = Field(validation_alias=AliasChoices("text", "answer", "response", "output"))


class TrainingRow(Form):
    """A training example: a chat, or a message and its answer."""

    messages: list[Message] | None = None
    prompt: Text | None = Field(None, validation_alias=AliasChoices("prompt", "text"))
    expected: Text | None = Field(None, validation_alias=AliasChoices("expected", "answer", "response", "output"))


def read_answers(path: Path) -> dict[str, str]:
    """Rows `{"id", "text"}` (or `answer`, `response`, `output`).

    Raises:
        InputError: a row is no such row, or an id is there twice; names line and key.
    """
    found: dict[str, str] = {}
    for where, row in read_forms(AnswerRow, path):
        if row.id in found:
            raise InputError(f"{where}: the id {row.id!r} is there twice")
        found[row.id] = row.text
    return found


def read_training(path: Path) -> list[tuple[str, str]]:
    """Training examples as (message, answer): every answer of rows with `messages`, or rows with `prompt`/`text` and `expected`.

    Raises:
        InputError: neither, or a chat that does not end with an answer; names the line.
    """
    return [pair for where, row in read_forms(TrainingRow, path) for pair in examples_of(row, where)]


def examples_of(row: TrainingRow, where: str) -> list[tuple[str, str]]:
    """The examples of one row."""
    if row.messages is not None:
        turns = row.messages
        pairs = [(u.content, a.content) for u, a in pairwise(turns) if (u.role, a.role) == ("user", "assistant")]
        if not pairs or turns[-1].role != "assistant":
            raise InputError(f"{where}: the chat does not end with an answer")
        return pairs
    if row.prompt is None or row.expected is None:
        raise InputError(f"{where}: no message with its answer", remedy="`messages`, or `prompt` and `expected`")
    return [(row.prompt, row.expected)]
