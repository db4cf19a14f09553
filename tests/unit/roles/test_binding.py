"""What binds a role's answer."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from afina.roles import find_role
from afina.roles.binding import Prose, binding, cut_texts, naming, prose_of


def test_our_notes_are_not_told_to_the_runtime() -> None:
    """A grammar engine refuses keys that it does not know."""
    assert set(binding({"type": "object", "x-covers": "FR", "x-code": True})) == {"type", "x-guidance"}


def test_a_role_writes_prose_where_its_schema_leaves_it_open() -> None:
    """Also in lists of objects; a text with a pattern or a choice of its own stays; the schema itself is not changed."""
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


def test_code_begins_as_code() -> None:
    """Where the schema has it; what stands beside it is prose, and without `x-code` a field of that name is too."""
    text = {"type": "string", "minLength": 20, "maxLength": 60}
    file = {"type": "object", "properties": {"purpose": text, "content": text}}
    schema: dict[str, Any] = {"type": "object", "properties": {"files": {"type": "array", "items": file}}}
    found, plain = (
        one["properties"]["files"]["items"]["properties"]
        for one in (binding({**schema, "x-code": True}), binding(schema))
    )
    assert found["purpose"] == plain["purpose"] == plain["content"]
    pattern = found["content"]["pattern"]
    for right in (
        "import re\n\nWORD = re.compile('a')",
        '"""Slots."""\n\n{\'a\': [1]}',
        "def slots() -> list[int]:\n    return [1]",
    ):
        assert re.match(pattern, right)
    for wrong in (
        "<script src='x'></script> and more",
        "{{name}} 2013-09-22T12:21",
        "import re",
        "# a comment, and nothing else",
        "import re\n" + "a" * 60,
    ):
        assert not re.match(pattern, wrong)


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
    assert prose.ended == {"said", "asked", "list.said"}
    assert prose.counts == {"said": (1, 2), "asked": (1, 1), "title": (1, 2), "list.said": (1, 1)}
    found = binding({"type": "object", "properties": fields}, prose)["properties"]
    texts = ("It books visits.", "It books visits. It moves them.", "Visits. Moved", "It books. It moves. It ends.")
    expected = {
        "said": (True, True, False, False),
        "asked": (True, False, False, False),
        "title": (True, True, True, False),
        "list": (True, False, False, False),
        "new": (True, True, True, True),
    }
    for name, wanted in expected.items():
        bound = found[name].get("items", found[name])
        pattern = bound.get("properties", {}).get("said", bound)["pattern"]
        assert tuple(bool(re.match(pattern, text)) for text in texts) == wanted, name


def test_as_many_sentences_as_people_write_have_the_length_together() -> None:
    """Two of them half of it each; a text of many is as long as its schema says."""
    text = {"type": "string", "minLength": 40, "maxLength": 100}
    schema = {"type": "object", "properties": {"said": text}}
    two, many = (
        binding(schema, prose_of([{"said": "It books. " * count + "It moves."}]))["properties"]["said"]["pattern"]
        for count in (1, 3)
    )
    for first, second, fits in ((30, 30, True), (47, 47, True), (10, 60, False), (50, 30, False), (30, 50, False)):
        assert bool(re.match(two, "a" * (first - 1) + ". " + "b" * (second - 1) + ".")) == fits, (first, second)
    assert not re.match(two, "a" * 60 + ".")
    assert re.match(many, "a" * 99 + ".")


@pytest.mark.parametrize(("least", "most", "count"), [(20, 20, 1), (15, 20, 2), (5, 6, 3), (0, 2, 3)])
def test_lengths_that_leave_no_room_for_sentences_are_kept(least: int, most: int, count: int) -> None:
    """A pattern that nothing fits would end every answer."""
    text = {"type": "string", "minLength": least, "maxLength": most}
    prose = prose_of([{"said": " ".join(["It."] * count)}, {"said": "It."}])
    pattern = binding({"type": "object", "properties": {"said": text}}, prose)["properties"]["said"]["pattern"]
    assert re.match(pattern, "a" * (most - 1) + ".")


def test_texts_that_are_empty_everywhere_say_nothing_of_sentences() -> None:
    """Of a field that people left empty nothing is known."""
    prose = prose_of([{"said": ""}, {"said": ""}])
    assert prose.counts == {}
    schema = {"properties": {"said": {"type": "string", "maxLength": 10}}}
    assert list(cut_texts({"said": "a" * 10}, schema, prose)) == ["a" * 10]


def test_what_its_length_has_ended_is_found() -> None:
    """A sentence of it, or a text of which nobody knows how many it has; ids and choices are as long as they are."""
    said = {"type": "string", "maxLength": 50}
    schema = {
        "type": "object",
        "properties": {
            "one": said,
            "two": {"type": "array", "items": {"type": "object", "properties": {"said": said}}},
            "id": {"type": "string", "pattern": "^A+$", "maxLength": 3},
        },
    }
    prose = prose_of([{"one": "It books.", "two": [{"said": "It books. It moves."}]}])
    right = {"one": "It books visits.", "two": [{"said": "It books visits. It moves them."}], "id": "AAA"}
    assert list(cut_texts(right, schema, prose)) == []
    long, half = "x" * 46 + ".", "It moves. " + "x" * 23 + "."
    assert list(cut_texts({**right, "one": long, "two": [{"said": half}]}, schema, prose)) == [long, half]
    assert list(cut_texts({"one": long, "two": [{"said": half}]}, schema, Prose())) == [long]


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
            "id": {"type": "string", "pattern": "^E[0-9]{3}$"},
            "covers": {"type": "array", "items": text},
            "epic": {"type": "string", "pattern": "^E[0-9]{3}$"},
            "story": {"type": "string", "pattern": "^S[0-9]{3}$"},
        },
    }
    found = naming({"type": "array", "items": own}, ["FR001", "NFR001", "C001", "E911"])["items"]["properties"]
    assert found["covers"]["items"]["enum"] == ["FR001", "NFR001"]
    assert [name for name in found if found[name] == own["properties"][name]] == ["id", "epic", "story"]
