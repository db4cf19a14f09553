"""A JSON schema as a grammar for llguidance, the engine inside our runtime that writes compact JSON.

A schema in `response_format` reaches another engine there (GBNF), which ignores `x-guidance` and lets a model pad its answer with line
breaks and blanks between any two parts, where a schema in the grammar's own words does not: tuned small models did, until their tokens
ran out. So own workers are asked with the grammar. A schema with words that llguidance may refuse goes the other way.
"""

import json
from collections.abc import Mapping
from typing import Any

from afina.chat import COMPACT, ONE_OF
from afina.runtime.yaml_grammar import FORM, yaml_grammar

KNOWN = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "prefixItems", "enum", "const", "pattern", "minLength", "maxLength",
        "minItems", "maxItems", "minimum", "maximum", "anyOf", "title", "description", "default", "examples", "x-guidance", "$schema", "$id",
    }
)  # fmt: skip
"""Words of JSON Schema that llguidance knows, or that say nothing about an answer."""
LENGTHS = frozenset({"minLength", "maxLength"})
"""Beside a pattern llguidance knows them only sometimes ("unable to determine if regex is empty")."""
BY_NAME = frozenset({"properties"})
"""Words whose keys are names of the user's."""


def known(schema: Any, *, names: bool = False) -> bool:
    """Whether every word of a schema is known. `names`: the keys are names, not words."""
    if isinstance(schema, Mapping):
        own = {name: value for name, value in schema.items() if name not in {"enum", "const", "default", "examples"}}
        if not names and "pattern" in schema and LENGTHS.intersection(schema):
            return False
        return all(names or name in KNOWN for name in schema) and all(
            known(value, names=not names and name in BY_NAME) for name, value in own.items() if name != "x-guidance"
        )
    return all(map(known, schema)) if isinstance(schema, list) else True


def grammar_of(schema: Mapping[str, Any]) -> str | None:
    """The grammar of what fulfils a schema, or one of its `x-one-of`: YAML where its `x-form` says so and there is a layout for it, else compact
    JSON; None where llguidance may not know a word of it.
    """
    narrower = list(map(for_others, schema.get(ONE_OF, [schema])))
    if not all(map(known, narrower)):
        return None
    if schema.get(FORM) == "yaml" and (found := yaml_grammar(*narrower)):
        return found
    own = closed(narrower[0] if len(narrower) == 1 else {"anyOf": narrower})
    return "%llguidance {}\nstart: %json " + json.dumps({"x-guidance": COMPACT, **own})


def closed(schema: Any, *, names: bool = False) -> Any:
    """A schema whose objects have no other fields than those they name, unless they say so: as the other engine reads it."""
    if isinstance(schema, Mapping):
        own = {name: closed(value, names=not names and name in BY_NAME) for name, value in schema.items()}
        return (
            {**own, "additionalProperties": False}
            if not names and "properties" in own and "additionalProperties" not in own
            else own
        )
    return list(map(closed, schema)) if isinstance(schema, list) else schema


def in_form(schema: Mapping[str, Any], form: str) -> dict[str, Any]:
    """A schema that says in which form an answer is written, `yaml` or `json`."""
    return {**schema, FORM: form} if form == "yaml" else dict(schema)


def bound_by(body: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A request to an own worker, its answer bound by a schema: by the grammar where that can be, otherwise by the schema."""
    grammar = grammar_of(schema)
    if grammar is not None:
        return {**body, "grammar": grammar}
    return {**body, "response_format": response_format(schema)}


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as every server of chats takes it."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": for_others(schema)}}


def for_others(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without our own words."""
    return {name: value for name, value in schema.items() if name not in (FORM, ONE_OF)}
