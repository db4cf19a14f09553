"""Ids that an answer gives and names."""

from typing import Any

from jsonschema import Draft202012Validator

from afina.chat import ONE_OF
from afina.roles import find_role
from afina.roles.binding import binding, naming
from afina.roles.numbering import numbered
from afina.roles.role import packaged_folder

EPIC, STORY = ({"type": "string", "pattern": f"^{letter}[0-9]{{3}}$"} for letter in "ES")
STORIES = {
    "type": "array",
    "items": {"type": "object", "properties": {"id": STORY, "epics": {"type": "array", "items": EPIC}}},
}


def schema(**size: int) -> dict[str, Any]:
    """Epics, and stories that name them."""
    epics = {"type": "array", "items": {"type": "object", "properties": {"id": EPIC}}, **size}
    return {"type": "object", "properties": {"stories": STORIES, "epics": epics}}


def fulfils(one: dict[str, Any], epics: list[str], named: list[str]) -> bool:
    """Whether an answer with these epics and these names of them does."""
    answer = {"epics": [{"id": name} for name in epics], "stories": [{"id": "S007", "epics": named}]}
    return bool(Draft202012Validator(one).is_valid(answer))


def test_who_writes_two_epics_may_name_two() -> None:
    """Each length of the list has its schema, the lists before it and behind it among them; the stories' own ids are free."""
    found = numbered(schema(minItems=1, maxItems=3))
    assert len(found[ONE_OF]) == 3
    two = found[ONE_OF][1]
    assert fulfils(two, ["E001", "E002"], ["E002", "E001"])
    assert not fulfils(two, ["E001", "E002"], ["E003"])
    assert not fulfils(two, ["E001", "E004"], ["E001"])
    assert not fulfils(two, ["E001", "E001"], ["E001"])
    assert not fulfils(two, ["E001"], ["E001"])
    assert {key: value for key, value in found.items() if key != ONE_OF} == schema(minItems=1, maxItems=3)


def test_a_list_without_an_end_has_nine_at_most() -> None:
    """And at least one, without which nothing could be named."""
    sizes = [one["properties"]["epics"]["minItems"] for one in numbered(schema())[ONE_OF]]
    assert sizes == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_long_list_is_left_free() -> None:
    """A schema for each of 200 lengths would be 20,000 entries; one whose lengths contradict each other is another's to refuse."""
    for size in ({"maxItems": 200}, {"minItems": 13}, {"minItems": 3, "maxItems": 2}):
        assert numbered(schema(**size)) == schema(**size)
    assert len(numbered(schema(minItems=10))[ONE_OF]) == 1


def test_of_the_packaged_roles_the_architect_names_ids_of_its_own() -> None:
    """The others name those of the question, or none: they are bound as before."""
    for name in ("ba", "po", "architect", "dev", "qa"):
        role = find_role(name, project=packaged_folder())
        bound = naming(binding(role.schema, role.prose()), ["PB001", "FR001", "S001"])
        assert (numbered(bound) != bound) is (name == "architect")
        assert name != "architect" or len(numbered(bound)[ONE_OF]) == 5
