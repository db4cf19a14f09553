"""Files → evaluation sets, imported answers, training examples."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from afina.errors import InputError
from afina.evaluate.sets import make_set, read_item, read_turns, starter_items, whole_text
from afina.files.rows import SourceRow, read_rows
from afina.records import EvalItem, EvalSet, Part

ANSWERS = ("text", "answer", "response", "output")


def read_set(path: Path, *, starters: Iterable[Part] = (), least: int = 1) -> EvalSet:
    """A file of items, and the project's own items of the parts of which it has fewer than `least`.

    Raises:
        InputError: names line and key.
    """
    items = [read_item(row.values, f"{path}, line {row.line}") for row in read_rows(path)]
    return make_set(path.stem, with_starters(items, starters, least=least))


def with_starters(items: Iterable[EvalItem], starters: Iterable[Part], *, least: int = 1) -> list[EvalItem]:
    """The items with the project's own of the parts of which they have fewer than `least`: too few decide nothing."""
    own = list(items)
    have = Counter(item.part for item in own)
    return [*own, *(item for part in starters if have[part] < least for item in starter_items(part))]


def read_answers(path: Path) -> dict[str, str]:
    """Rows `{"id", "text"}` (or `answer`, `response`, `output`).

    Raises:
        InputError: no id or no text, or an id twice; names the line.
    """
    found: dict[str, str] = {}
    for row in read_rows(path):
        identity = row.values.get("id")
        text = next((row.values[name] for name in ANSWERS if name in row.values), None)
        if identity in (None, "") or not isinstance(text, str):
            raise InputError(f"{path}, line {row.line}: `id` and a `text` are needed")
        if str(identity) in found:
            raise InputError(f"{path}, line {row.line}: the id {identity!r} is there twice")
        found[str(identity)] = whole_text(text, f"{path}, line {row.line}")
    return found


def read_training(path: Path) -> list[tuple[str, str]]:
    """Training examples as (message, answer): every answer of rows with `messages`, or rows with `prompt`/`text` and `expected`.

    Raises:
        InputError: neither, or a chat that does not end with an answer; names the line.
    """
    return [pair for row in read_rows(path) for pair in examples_of(row, f"{path}, line {row.line}")]


def examples_of(row: SourceRow, where: str) -> list[tuple[str, str]]:
    """The examples of one row."""
    messages = row.values.get("messages")
    if isinstance(messages, list):
        turns = read_turns({"messages": [*messages, {"role": "user", "content": "-"}]}, where)[:-1]
        pairs = [(u.content, a.content) for u, a in pairwise(turns) if (u.role, a.role) == ("user", "assistant")]
        if not pairs or turns[-1].role != "assistant":
            raise InputError(f"{where}: the chat does not end with an answer")
        return pairs
    asked = row.values.get("prompt", row.values.get("text"))
    answer = next((row.values[name] for name in ("expected", *ANSWERS[1:]) if name in row.values), None)
    if not isinstance(asked, str) or not isinstance(answer, str):
        raise InputError(f"{where}: no message with its answer", remedy="`messages`, or `prompt` and `expected`")
    return [(asked, answer)]
