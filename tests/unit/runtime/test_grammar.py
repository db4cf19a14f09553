"""Schemas as grammars of compact JSON."""

import json
from typing import Any

import pytest

from afina.chat import ONE_OF
from afina.roles.binding import binding
from afina.roles.role import CHAIN, find_role, packaged_folder
from afina.runtime.grammar import bound_by, closed, grammar_of, in_form, known, response_format

HEAD = "%llguidance {}\nstart: %json "


def told(schema: dict[str, Any]) -> Any:
    """The schema in a grammar."""
    found = grammar_of(schema)
    assert found is not None
    assert found.startswith(HEAD)
    return json.loads(found.removeprefix(HEAD))


def test_the_grammar_says_how_white_space_is_written() -> None:
    """None but after commas and colons; and objects have no other fields."""
    found = told({"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}, "required": ["a"]})
    assert found["x-guidance"]["whitespace_flexible"] is False
    assert found["additionalProperties"] is False


def test_an_open_object_stays_open() -> None:
    """Where it says so, or names no fields."""
    assert closed({"type": "object"}) == {"type": "object"}
    given = {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}}
    assert closed(given) == given


def test_a_field_may_have_any_name() -> None:
    """Also that of a word of JSON Schema, known or not."""
    inner = {"type": "object", "properties": {"if": {}}}
    schema = {"type": "object", "properties": {"not": {"type": "string"}, "properties": inner}}
    assert known(schema)
    assert told(schema)["properties"]["properties"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {}},
        {"type": "array", "uniqueItems": True},
        {"properties": {"a": {"format": "date"}}},
        {"anyOf": [{"oneOf": []}]},
        {"x-own": 1},
        {"type": "string", "pattern": "[.]$", "minLength": 100},
    ],
)
def test_what_the_engine_may_not_know_goes_the_other_way(schema: dict[str, Any]) -> None:
    """llguidance would bind nothing at all, without a word (measured)."""
    assert grammar_of(schema) is None
    assert bound_by({"a": 1}, schema)["response_format"]["json_schema"]["schema"] == schema


def test_an_answer_may_fulfil_one_of_some() -> None:
    """Own workers are told them, in JSON and in YAML; others the wider one."""
    wide: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    narrow = [{**wide, "properties": {"a": {"const": number}}} for number in (1, 2)]
    schema = {**wide, ONE_OF: narrow}
    assert [one["properties"] for one in told(schema)["anyOf"]] == [one["properties"] for one in narrow]
    assert grammar_of(in_form(schema, "yaml")) == '%llguidance {}\nstart: "a:" " " ("1") | "a:" " " ("2")'
    assert response_format(schema)["json_schema"]["schema"] == wide
    other = bound_by({}, {**schema, ONE_OF: [{"not": {}}]})
    assert other["response_format"]["json_schema"]["schema"] == wide  # as soon as one of them is not known


@pytest.mark.parametrize("name", CHAIN)
def test_every_role_is_bound_by_the_grammar(name: str) -> None:
    """Its schema without our own notes, and with the ends of its texts."""
    role = find_role(name, project=packaged_folder())
    assert known({key: value for key, value in role.schema.items() if not key.startswith("x-")})
    assert grammar_of(binding(role.schema, role.prose())) is not None
