"""Evaluation sets."""

from typing import Any

import pytest

from afina.errors import InputError
from afina.evaluate.sets import as_row, make_set, only_parts, read_item, starter_items
from afina.records import Part, Turn


def test_equal_content_is_the_same_set() -> None:
    """And a changed word another."""
    rows: list[dict[str, Any]] = [
        {"id": "1", "prompt": "hola", "expected": "buenas"},
        {"id": 2, "prompt": "x", "part": "safety", "rules": {"refuse": True}},
    ]
    items = [read_item(row, "here") for row in rows]

    first = make_set("a", items)
    assert first.id == make_set("b", [read_item(as_row(item), "again") for item in items]).id
    assert first.id != make_set("a", [items[0], read_item({**rows[1], "prompt": "y"}, "here")]).id
    assert [item.id for item in only_parts(first, [Part.SAFETY]).items] == ["2"]


def test_an_item_may_bind_its_own_answer() -> None:
    """Others are bound as the set says, and those of other parts by nothing; it is kept when the set is written."""
    rows: list[dict[str, Any]] = [
        {"id": "1", "prompt": "x", "answer_schema": {"enum": ["a"]}},
        {"id": "2", "prompt": "x"},
        {"id": "3", "prompt": "x", "part": "stress", "rules": {"max_words": 3}, "answer_schema": {"enum": ["a"]}},
    ]
    items = [read_item(as_row(read_item(row, "here")), "again") for row in rows]

    found = make_set("a", items, answer_schema={"type": "string"})

    assert [found.binding(item) for item in found.items] == [{"enum": ["a"]}, {"type": "string"}, None]
    assert make_set("a", items).binding(items[1]) is None


def test_a_structure_that_is_expected_becomes_its_json() -> None:
    """And a chat keeps its turns."""
    item = read_item(
        {
            "id": 1,
            "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
            "expected": {"a": "ñ"},
        },
        "h",
    )

    assert item.turns == (Turn("system", "s"), Turn("user", "u"))
    assert item.expected == '{"a": "ñ"}'


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "x"}, "`id`: not given"),
        ({"id": "1"}, "either `prompt` or `messages`"),
        ({"id": "1", "prompt": "x", "messages": []}, "either `prompt` or `messages`"),
        ({"id": "1", "prompt": "  "}, "last message must be the user's"),
        ({"id": "1", "messages": [{"role": "assistant", "content": "x"}]}, "last message must be the user's"),
        (
            {"id": "1", "messages": [{"role": "boss", "content": "x"}]},
            "`messages[0].role`: Input should be 'system', 'user' or 'assistant', not 'boss'",
        ),
        ({"id": "1", "prompt": "x", "part": "stres"}, "`part`"),
        ({"id": "1", "prompt": "x", "expectd": "y"}, "unknown key 'expectd'"),
        ({"id": "1", "prompt": "x", "expected": True}, "`expected`: Input should be a valid string, not True"),
        ({"id": "1", "prompt": "x", "rules": {"refuses": True}}, "unknown rule 'refuses'"),
        ({"id": "1", "prompt": "x", "rules": {"refuse": "yes"}}, "rule `refuse`: must be true or false"),
        ({"id": "1", "prompt": "x", "rules": {"contains": ["?"]}}, "rule `contains`: must be a list"),
        ({"id": "1", "prompt": "x", "rules": {"matches": "("}}, "rule `matches`: is no regular expression"),
        ({"id": "1", "prompt": "x", "rules": {"max_words": 0}}, "rule `max_words`: must be a number above 0"),
        ({"id": "1", "prompt": "x", "rules": {"format": "xml"}}, "rule `format`: must be json or yaml"),
        ({"id": "1", "prompt": "x", "rules": {"schema": {"type": "objekt"}}}, "rule `schema`: is no JSON schema"),
        ({"id": "1", "prompt": "x", "answer_schema": {"type": "objekt"}}, "`answer_schema` is no JSON schema"),
        ({"id": "1", "prompt": "x", "rules": {"format": ["json"]}}, "rule `format`: must be json or yaml"),
        (
            {"id": "1", "prompt": "x", "rules": {"matches": "a{99999999999999999999}"}},
            "rule `matches`: is no regular expression",
        ),
        (
            {"id": "1", "prompt": "x", "rules": {"schema": {"$ref": "http://127.0.0.1:9/s.json"}}},
            "rule `schema`: refers to something",
        ),
        ({"id": "1", "prompt": "x", "part": "safety", "expected": "no"}, "needs `rules`"),
        ({"id": "1", "prompt": "x", "rules": []}, ""),
        ({"id": "1", "prompt": "x", "rules": ["refuse"]}, "`rules`: Input should be a valid dictionary"),
    ],
)
def test_bad_rows_are_named(row: dict[str, Any], said: str) -> None:
    """By place and key; an empty list of rules is none."""
    if not said:
        assert read_item(row, "f, line 3").rules == {}
        return
    with pytest.raises(InputError, match="f, line 3: ") as caught:
        read_item(row, "f, line 3")
    assert said in str(caught.value)


def test_no_items_and_double_ids_are_refused() -> None:
    """Named."""
    item = read_item({"id": "1", "prompt": "x"}, "h")
    with pytest.raises(InputError, match="no items"):
        make_set("s", [])
    with pytest.raises(InputError, match="'1' is there twice"):
        make_set("s", [item, item])


def test_starter_sets_are_in_two_languages() -> None:
    """Half Spanish, half English; there are none for the target."""
    for part in (Part.SAFETY, Part.FORGETTING):
        assert len(starter_items(part, languages=["es"])) == len(starter_items(part, languages=["en"])) == 40
    with pytest.raises(ValueError, match="target"):
        starter_items(Part.TARGET)
