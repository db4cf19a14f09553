"""The classification prompt and its answers."""

import json

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import validate

from afina.chat import answer_schema, classify_turns, parse_answer, render_answer

LABELS = {"topic": ("envio", "pago"), "tono": ("bien", "mal")}
FIELDS = ("topic", "tono")


@given(st.sampled_from(LABELS["topic"]), st.sampled_from(LABELS["tono"]))
def test_what_is_rendered_is_valid_and_reads_back(topic: str, tono: str) -> None:
    """Training target, schema and parser agree."""
    target = {"topic": topic, "tono": tono}

    text = render_answer(target, fields=FIELDS)

    validate(json.loads(text), answer_schema(LABELS, fields=FIELDS))
    assert parse_answer(text, fields=FIELDS) == target


@given(st.text())
def test_any_answer_parses_to_the_fields(text: str) -> None:
    """Garbage becomes empty fields, never an exception."""
    assert set(parse_answer(text, fields=FIELDS)) == set(FIELDS)


def test_the_message_is_composed() -> None:
    """A decomposed accent is composed before anybody tokenises it: llama.cpp does not do it."""
    assert classify_turns("cafe\u0301", fields=FIELDS)[-1].content == "caf\u00e9"
