"""The grammar of YAML."""

from typing import Any

import pytest

from afina.roles import find_role
from afina.roles.binding import binding
from afina.roles.role import CHAIN, packaged_folder
from afina.runtime.grammar import grammar_of, in_form
from afina.runtime.yaml_grammar import yaml_grammar

TEXT = {"type": "string", "pattern": "^.{2,9}$"}


def only(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object with one field."""
    return {"type": "object", "properties": {"a": value}, "required": ["a"], **more}


def test_each_field_has_its_line() -> None:
    """A text begins in the next one, an id stands beside its key; what may be missing may, and a list of none is said."""
    schema = {
        "type": "object",
        "properties": {
            "said": TEXT,
            "parts": {
                "type": "array",
                "maxItems": 3,
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "pattern": "^FR[0-9]{3}$"},
                        "how": {"enum": ["Low", "Very high"]},
                    },
                    "required": ["id"],
                },
            },
            "count": {"type": "integer"},
        },
        "required": ["said", "count"],
    }
    assert yaml_grammar(schema) == (
        '%llguidance {}\nstart: "said:" " " ">-\\n  " TEXT0 '
        '("\\nparts:" (" []" | ("\\n- " "id:" " " /FR[0-9]{3}/ ("\\n  how:" " " ("Low" | ">-\\n    Very high"))?){1,3}))? '
        '"\\ncount:" " " /-?(0|[1-9][0-9]*)/\n'
        "TEXT0: /.{2,9}/ & /[^ #*>-]([^ ]| [^ ])*/"
    )


def test_code_stands_as_it_is_line_by_line() -> None:
    """Each line of it is as deep as the first one; empty ones need not be."""
    code = only({"type": "string", "pattern": r"^def (.|\n){3,9}$"})
    assert yaml_grammar(code) == '%llguidance {}\nstart: "a:" " " "|\\n  " /def (.|\\n+ {2}){3,9}/'


def test_a_slash_ends_no_pattern() -> None:
    """Names of files have some."""
    assert r"/[a-z]+(\/[a-z]+)?[.]py/" in (
        yaml_grammar(only({"type": "string", "pattern": "^[a-z]+(/[a-z]+)?[.]py$"})) or ""
    )


@pytest.mark.parametrize("told", ["^[0-9]+$", "^(yes|no)$", "^[a-z]+$"])
def test_what_yaml_would_take_for_something_else_is_a_block(told: str) -> None:
    """A number, a truth, nothing."""
    assert '">-\\n  "' in (yaml_grammar(only({"type": "string", "pattern": told})) or "")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": TEXT}},
        only({"anyOf": [TEXT]}),
        only({"type": "array", "items": {"type": "array", "items": TEXT}}),
        only({"type": "array"}),
        only({"type": "string"}),
        only({"type": "integer", "minimum": 3}),
        only({"enum": ["a\nb"]}),
        only({"type": "string", "pattern": "open"}),
        {**only(TEXT), "properties": {"a: b": TEXT}, "required": ["a: b"]},
    ],
)
def test_what_has_no_layout_is_written_as_json(schema: dict[str, Any]) -> None:
    """The grammar of JSON binds it, where that can be."""
    assert yaml_grammar(schema) is None
    assert "x-form" not in (grammar_of(in_form(schema, "yaml")) or "")


@pytest.mark.parametrize("name", CHAIN)
def test_every_role_has_a_layout(name: str) -> None:
    """A model that is tuned to it writes what it was shown."""
    role = find_role(name, project=packaged_folder())
    found = grammar_of(in_form(binding(role.schema, role.prose()), role.trained_in)) or ""
    assert "%json" not in found
    assert "start: " in found


def test_entries_may_be_said_one_by_one() -> None:
    """All of them, each with its layout; where others may follow there is none."""
    two = [only({"const": f"E00{number}"}) for number in (1, 2)]
    schema = only({"type": "array", "prefixItems": two, "minItems": 2, "maxItems": 2})
    assert yaml_grammar(schema) == '%llguidance {}\nstart: "a:" "\\n- " "a:" " " ("E001") "\\n- " "a:" " " ("E002")'
    assert yaml_grammar(only({"type": "array", "prefixItems": two, "maxItems": 3})) is None
