"""Requests whose answer is a structure: JSON or YAML, bound by a schema where there is one."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from afina.chat import COMPACT
from afina.chat.parse import read_json, read_yaml
from afina.errors import InputError
from afina.files import SourceRow, cell_text, read_turns
from afina.ids import example_id
from afina.records import ANSWER, Example, Exchange, Fields, Turn
from afina.sameness import composed, message_key
from afina.tasks.kind import Kind, Said, Task, right_answer
from afina.tasks.rules import answers_no_message, damaged, empty_answer, too_long, too_short
from afina.tasks.wording import wording

EXPECTED = ("expected", "answer", "output", "response")
"""Columns with the right answer, the first that is there."""


def read_structure(text: str, form: str) -> Any:
    """The structure in an answer; None when it is none."""
    found = read_json(text) if form == "json" else read_yaml(text)
    return found if isinstance(found, dict | list) else None


def unreadable(example: Example, task: Task) -> str:
    """The answer is no JSON or YAML."""
    form = task.settings.format
    return f"the answer is no {form.upper()}" if read_structure(example.answer, form) is None else ""


def breaks_schema(example: Example, task: Task) -> str:
    """The answer is not as the schema wants it."""
    if task.schema is None:
        return ""
    validator = Draft202012Validator(task.schema, registry=Registry())
    error = next(iter(validator.iter_errors(read_structure(example.answer, task.settings.format))), None)
    return f"breaks the schema: {error.message[:120]}" if error else ""


class Structured(Kind):
    """JSON or YAML."""

    name = "structured"
    rules = (too_short, answers_no_message, empty_answer, too_long, damaged, unreadable, breaks_schema)
    metrics = ("slot_f1",)
    baselines = ("majority", "nearest")

    def said(self, task: Task, path: Path, row: SourceRow) -> Iterable[Said]:
        """`messages`, `prompt` or the text column; the right answer in `expected` or `answer`, optionally `predicted`."""
        column = "prompt" if "prompt" in row.values else task.settings.text
        asked = (
            read_turns(path, row)
            if row.values.get("messages") is not None
            else (Turn("user", cell_text(path, row, column)),)
        )
        name = next((name for name in EXPECTED if row.values.get(name) is not None), None)
        if name is None:
            raise InputError(f"{path}, line {row.line}: no right answer", remedy=f"a column {' or '.join(EXPECTED)}")
        predicted = row.values.get("predicted")
        yield Said(
            turns=asked,
            answer="" if predicted is None else as_text(predicted),
            decision={ANSWER: as_text(row.values[name])},
        )

    def examples(self, task: Task, exchange: Exchange) -> Iterable[Example]:
        """The answer that a person accepted or wrote, in its one canonical form."""
        right = right_answer(exchange)
        if right is None:
            return
        found = read_json(right) if task.settings.format == "json" else None
        yield Example(
            id=example_id(exchange.id),
            turns=tuple(Turn(turn.role, composed(turn.content.strip())) for turn in exchange.turns),
            answer=composed(right.strip() if found is None else json.dumps(found, ensure_ascii=False)),
            group=exchange.group,
            source=exchange.id,
            facts=exchange.facts,
        )

    def key(self, example: Example) -> str:
        """Case, white space and the kind of quotes make no new request."""
        return "\x1f".join(message_key(turn.content) for turn in example.turns)

    def instructions(self, task: Task, schema: dict[str, Any] | None) -> str:
        """What the user wrote, and the schema in words that a model reads."""
        told = task.settings.instructions or self.prompt(task)
        if schema is None:
            return told
        plain = {name: value for name, value in schema.items() if not name.startswith("x-")}
        asked = wording(task.settings.language, "schema", format=task.settings.format.upper())
        return "\n\n".join(filter(None, (told, f"{asked}\n{json.dumps(plain, ensure_ascii=False)}")))

    def answer_schema(self, task: Task, train: Sequence[Example]) -> dict[str, Any] | None:
        """The user's schema; YAML cannot be bound while it is written, it is only checked."""
        del train
        if task.settings.format == "yaml":
            return None
        own = {
            name: value for name, value in (task.schema or {}).items() if not name.startswith("x-")
        }  # ours, for checks
        return {"type": "object", "x-guidance": COMPACT, **own}

    def item_rules(self, task: Task) -> dict[str, Any]:
        """The schema, for the measures that need it (`schema_valid`, `completeness`)."""
        return {"schema": task.schema} if task.schema else {}

    def predicted(self, task: Task, answer: str) -> Fields:
        """The answer as it is."""
        del task
        return {ANSWER: answer}


def as_text(value: Any) -> str:
    """A cell as text; an object or list is written as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
