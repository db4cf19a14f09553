"""Rows against a form: read, or refused by file, line, key and reason."""

from pathlib import Path

import pytest

from afina.errors import InputError
from afina.files.forms import ChatRow, Form, Identity, Spelt, checked, read_forms


class Answer(Form):
    """A row with each kind of text."""

    id: Identity
    text: Spelt = ""


def test_numbers_are_names_and_structures_are_spelt_out(tmp_path: Path) -> None:
    """An id may be a number, an expected answer an object; keys that the form does not name are left alone."""
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 7, "text": {"a": "ñ"}, "more": []}\n\n{"id": "b", "text": null}\n', "utf-8")

    (first, one), (second, two) = read_forms(Answer, file)

    assert (one.id, one.text, two.id, two.text) == ("7", '{"a": "ñ"}', "b", "")
    assert (first, second) == (f"{file}, line 1", f"{file}, line 3")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "r, line 2: `id`: not given"),
        ({"id": ""}, "r, line 2: `id`: String should have at least 1 character, not ''"),
        ({"id": True}, "r, line 2: `id`: Input should be a valid string, not True"),
        ({"id": "1", "text": True}, "r, line 2: `text`: Input should be a valid string, not True"),
    ],
)
def test_what_is_wrong_is_said_with_place_and_key(row: dict[str, object], said: str) -> None:
    """The whole sentence."""
    with pytest.raises(InputError) as caught:
        checked(Answer, row, "r, line 2")
    assert str(caught.value) == said


def test_a_key_inside_a_list_is_named_by_its_position() -> None:
    """Which of the messages."""
    messages = [{"role": "user", "content": "hi"}, {"role": "boss", "content": "x"}]
    with pytest.raises(
        InputError, match=r"f, line 1: `messages\[1\].role`: Input should be 'system', 'user' or 'assist"
    ):
        checked(ChatRow, {"messages": messages}, "f, line 1")
    with pytest.raises(InputError, match=r"`messages\[0\].content`: not given"):
        checked(ChatRow, {"messages": [{"role": "user"}]}, "f, line 1")
    with pytest.raises(InputError, match=r"`messages`: List should have at least 1 item"):
        checked(ChatRow, {"messages": []}, "f, line 1")
