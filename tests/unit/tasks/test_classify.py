"""Classification: prompts, answers, examples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import validate

from afina.records import Exchange, FeedbackKind, Turn
from afina.tasks.classify import read_labels, write_labels
from tests.tasks import classifier, labelled, reviewed

FIELDS = ("topic", "tono")
TASK = classifier(*FIELDS, task={"language": "es"})
ROWS = [labelled(f"{a}{b}", f"{a} {b}", topic=a, tono=b) for a in ("envio", "pago") for b in ("bien", "mal")]
SCHEMA = TASK.kind.answer_schema(TASK, ROWS)


@given(st.sampled_from(("envio", "pago")), st.sampled_from(("bien", "mal")))
def test_what_is_written_is_valid_and_reads_back(topic: str, tono: str) -> None:
    """Training target, schema and parser agree."""
    target = {"topic": topic, "tono": tono}

    text = write_labels(target, FIELDS)

    validate(json.loads(text), SCHEMA or {})
    assert read_labels(text) == target


@given(st.text())
def test_any_answer_parses_to_the_fields(text: str) -> None:
    """Garbage becomes empty fields, never an exception."""
    assert set(TASK.kind.predicted(TASK, text)) == set(FIELDS)


def test_the_message_is_composed() -> None:
    """A decomposed accent is composed before anybody tokenises it: llama.cpp does not do it."""
    (example,) = TASK.kind.examples(TASK, reviewed("1", "cafe\u0301", topic="a", tono="b"))
    assert example.message == "caf\u00e9"


def test_the_tuned_model_gets_a_short_prompt_and_the_base_every_label_with_its_meaning() -> None:
    """The opponent is asked as its owner would ask it: a weak prompt makes a false victory."""
    task = classifier(*FIELDS, task={"language": "es", "labels": {"topic": {"pago": "cobros y facturas"}}})

    told = task.kind.instructions(task, SCHEMA)

    assert task.kind.prompt(task) == "Clasifica el mensaje. Campos: topic, tono."
    assert "- pago: cobros y facturas\n" in told
    assert all(f"- {name}" in told for name in ("envio", "bien", "mal"))
    own = classifier(*FIELDS, task={"instructions": "Be brief.", "prompt": "Go."})
    assert own.kind.instructions(own, SCHEMA).startswith("Be brief.\n")
    assert own.kind.prompt(own) == "Go."


@pytest.mark.parametrize(
    ("kind", "value", "topic"),
    [(FeedbackKind.ACCEPTED, {}, "pago"), (FeedbackKind.CORRECTED, {"topic": "envio"}, "envio")],
)
def test_a_decision_leaves_other_fields_as_they_were_answered(
    kind: FeedbackKind, value: dict[str, str], topic: str
) -> None:
    """An acceptance without fields is worth its answer."""
    exchange = Exchange(
        id="1", turns=(Turn("user", "m"),), answer='{"topic": "pago", "tono": "mal"}', kind=kind, value=value
    )

    (example,) = TASK.kind.examples(TASK, exchange)

    assert read_labels(example.answer) == {"topic": topic, "tono": "mal"}


def test_what_nobody_reviewed_is_no_example() -> None:
    """A prediction is no evidence."""
    assert not list(TASK.kind.examples(TASK, Exchange(id="1", turns=(Turn("user", "m"),), answer='{"topic": "pago"}')))
