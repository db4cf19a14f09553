"""Answers that are structures."""

import json
from pathlib import Path
from typing import Any

import pytest

from afina.curate import curate
from afina.errors import InputError
from afina.files import SourceRow
from afina.records import Exchange, FeedbackKind, Turn
from afina.tasks import Task
from tests.tasks import task_of

SCHEMA = {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]}


def bound(form: str = "json") -> Task:
    """A task with the schema above."""
    task = task_of("structured", task={"format": form, "prompt": "Extract."})
    return Task(name=task.name, kind=task.kind, settings=task.settings, curate=task.curate, schema=SCHEMA)


def right(answer: str, identity: str = "1") -> Exchange:
    """A request with its right answer."""
    asked = (Turn("user", f"request {identity}"),)
    return Exchange(id=identity, turns=asked, answer="", kind=FeedbackKind.CORRECTED, value={"answer": answer})


@pytest.mark.parametrize(
    ("form", "answer", "reason"),
    [
        ("json", '{"who":   "Ana"}', ""),
        ("json", "Ana", "the answer is no JSON"),
        ("json", '{"what": 1}', "breaks the schema: 'who' is a required property"),
        ("json", "", "empty answer"),
        ("yaml", "who: Ana", ""),
        ("yaml", "just a sentence", "the answer is no YAML"),
    ],
)
def test_only_structures_that_keep_the_schema_are_learnt(form: str, answer: str, reason: str) -> None:
    """What is learnt has one spelling."""
    curated = curate([right(answer)], bound(form))

    assert [r.reason for r in curated.rejections] == ([reason] if reason else [])
    assert [e.answer for e in curated.examples] == ([] if reason else ['{"who": "Ana"}' if form == "json" else answer])


def test_the_newer_decision_on_a_request_wins() -> None:
    """As of labels."""
    rows = [right('{"who": "Ana"}'), right('{"who": "Luis"}')]

    curated = curate(rows, bound())

    assert [json.loads(e.answer)["who"] for e in curated.examples] == ["Luis"]
    assert "contradicted" in curated.rejections[0].reason


def test_json_is_bound_while_it_is_written_and_yaml_checked_afterwards() -> None:
    """The base reads the schema in both cases."""
    for form, is_bound in (("json", True), ("yaml", False)):
        task = bound(form)
        schema = task.kind.answer_schema(task, ())
        assert (schema is not None) is is_bound
        assert task.kind.item_rules(task) == {"schema": SCHEMA}
    told = bound().kind.instructions(bound(), SCHEMA)
    assert told.startswith("Extract.\n\nAnswer with JSON only")
    assert '"required": ["who"]' in told


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": "p", "expected": {"who": "x"}},
        {"text": "p", "answer": '{"who": "x"}'},
        {"messages": [{"role": "user", "content": "p"}], "output": {"who": "x"}},
    ],
)
def test_rows_come_in_the_forms_that_people_have(values: dict[str, Any]) -> None:
    """prompt, text or messages; expected, answer, output or response."""
    (said,) = bound().kind.said(bound(), Path("f"), SourceRow(2, values))

    assert said.turns == (Turn("user", "p"),)
    assert said.decision == {"answer": '{"who": "x"}'}


def test_a_row_without_an_answer_is_named() -> None:
    """With the columns that would do."""
    with pytest.raises(InputError, match="f, line 2: no right answer"):
        list(bound().kind.said(bound(), Path("f"), SourceRow(2, {"prompt": "p"})))
