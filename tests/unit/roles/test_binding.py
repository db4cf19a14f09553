"""What binds a role's answer."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from afina.roles import find_role
from afina.roles.binding import Prose, binding, naming, prose_of


def test_our_notes_are_not_told_to_the_runtime() -> None:
    """A grammar engine refuses keys that it does not know."""
    assert set(binding({"type": "object", "x-covers": "FR", "x-code": True})) == {"type", "x-guidance"}


def test_a_role_writes_prose_where_its_schema_leaves_it_open() -> None:
    """Also in lists of objects; a text with a pattern or a choice of its own stays; code is code; the schema itself is not changed."""
    text = {"type": "string", "maxLength": 99}
    own: dict[str, Any] = {
        "type": "object",
        "properties": {"id": {"type": "string", "pattern": "^A$"}, "level": {"enum": ["High"]}, "said": text},
    }
    schema: dict[str, Any] = {"type": "object", "properties": {"title": text, "list": {"type": "array", "items": own}}}
    found = binding(schema)["properties"]
    inner = found["list"]["items"]["properties"]
    assert found["title"] == inner["said"]
    assert (inner["id"], inner["level"]) == (own["properties"]["id"], own["properties"]["level"])
    assert "pattern" not in text
    assert binding({**schema, "x-code": True})["properties"] == schema["properties"]
    pattern = found["title"]["pattern"]
    for wrong in (
        "{{name}}",
        "<ref>",
        "[insert here]",
        "a\nb",
        "a|b",
        "Pay by card,",
        "a right (",
        "the clinic -",
        "said ",
    ):
        assert not re.match(pattern, wrong)
    assert re.match(pattern, 'El sistema "avisa" (SMS) en 2 s: 99,9 % & más')
    assert re.match(pattern, "Reports (monthly)")


@pytest.mark.parametrize(("least", "most"), [(None, None), (5, None), (None, 5), (5, 7), (1, 1)])
def test_a_text_that_is_bound_is_as_long_as_before(least: int | None, most: int | None) -> None:
    """Its length has gone into its pattern; an empty text is none."""
    own = {name: size for name, size in (("minLength", least), ("maxLength", most)) if size is not None}
    found = binding({"type": "object", "properties": {"said": {"type": "string", **own}}})["properties"]["said"]
    assert set(found) == {"type", "pattern"}
    for length in range(10):
        assert bool(re.match(found["pattern"], "a" * length)) == (max(1, least or 0) <= length <= (most or 10))


def test_a_text_is_bound_as_people_have_written_those_in_its_place() -> None:
    """All of them end as sentences do, or not; all are one sentence, or one of them is not. Also in a list of texts; places are apart."""
    text = {"type": "string", "minLength": 5, "maxLength": 200}
    own = {"type": "object", "properties": {"said": text}}
    fields = {
        "said": text,
        "asked": {"type": "array", "items": text},
        "title": text,
        "list": {"type": "array", "items": own},
        "new": text,
    }
    authored = [
        {
            "said": "It books. It moves.",
            "asked": ["¿Quién paga?", "Who pays?"],
            "title": "A page",
            "list": [{"said": "It has 2.5 GB."}],
        },
        {"said": "It books.", "title": "A page. Really", "list": [{"said": "It books!"}, {"said": "It moves."}]},
    ]
    prose = prose_of(authored)
    assert prose == Prose(ended=frozenset({"said", "asked", "list.said"}), single=frozenset({"asked", "list.said"}))
    found = binding({"type": "object", "properties": fields}, prose)["properties"]
    sentence, several, phrases = "It books visits.", "It books visits. It moves them.", "Visits. Moved"
    expected = {
        "said": (True, True, False),
        "asked": (True, False, False),
        "title": (True, True, True),
        "list": (True, False, False),
        "new": (True, True, True),
    }
    for name, wanted in expected.items():
        bound = found[name].get("items", found[name])
        pattern = bound.get("properties", {}).get("said", bound)["pattern"]
        assert tuple(bool(re.match(pattern, text)) for text in (sentence, several, phrases)) == wanted, name


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("99,9 % of all answers (a month) come within 1.5 s.", True),
        ("¿Quién paga todo esto?", True),
        ("It books visits. It moves them.", False),
        ("Does it? It does.", False),
        ("So much! More.", False),
        ("It books visits.2 of them.", False),
        ("It ends nowhere", False),
        ("A {name} in it.", False),
        ("a.", False),
    ],
)
def test_one_sentence(said: str, fits: bool) -> None:
    """A full stop in a number ends none; what prose has none of holds here too."""
    schema = {"type": "object", "properties": {"said": {"type": "string", "minLength": 5, "maxLength": 200}}}
    pattern = binding(schema, prose_of([{"said": "It books."}]))["properties"]["said"]["pattern"]
    assert bool(re.match(pattern, said)) == fits


@pytest.mark.parametrize("numbers", [0, 4])
def test_no_text_is_longer_than_its_schema_says(numbers: int) -> None:
    """Nor is one with some numbers in it."""
    schema = {"type": "object", "properties": {"said": {"type": "string", "minLength": 5, "maxLength": 200}}}
    pattern = binding(schema, prose_of([{"said": "It books."}]))["properties"]["said"]["pattern"]
    longest = max(
        size for size in range(400) if re.match(pattern, "1.2" * numbers + "a" * (size - 3 * numbers - 2) + "..")
    )
    assert longest == 191 + 2 * numbers


@pytest.mark.parametrize("role", ["ba", "po", "architect", "dev", "qa"])
def test_what_people_wrote_could_be_written_under_the_binding(role: str) -> None:
    """Every authored example: a binding that they break is too narrow."""
    own = find_role(role, project=Path())
    bound = Draft202012Validator(binding(own.schema, own.prose()))
    assert [(seed.id, error.message) for seed in own.seeds() for error in bound.iter_errors(seed.answer)] == []


def test_only_ids_that_were_told_may_be_named() -> None:
    """The answer's own ids are free; so are those of a kind that was not told."""
    text = {"type": "string", "pattern": "^N?FR[0-9]{3}$"}
    own: dict[str, Any] = {
        "type": "object",
        "properties": {
            "id": text,
            "covers": {"type": "array", "items": text},
            "epic": {"type": "string", "pattern": "^E[0-9]{3}$"},
        },
    }
    found = naming({"type": "array", "items": own}, ["FR001", "NFR001", "C001"])["items"]["properties"]
    assert found["covers"]["items"]["enum"] == ["FR001", "NFR001"]
    assert (found["id"], found["epic"]) == (text, own["properties"]["epic"])
