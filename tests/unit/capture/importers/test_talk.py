"""What exports have in common."""

from typing import Any

import pytest

from afina.capture.importers.talk import Message, answered, branch, last_leaf, moment, seconds, shown, thumb


def test_branches_end_where_they_close() -> None:
    """A circle in a damaged export is no endless loop."""
    assert branch({"a": "", "b": "a", "c": "b"}, "c") == ["a", "b", "c"]
    assert branch({"a": "b", "b": "a"}, "a") == ["b", "a"]
    assert last_leaf({"a": ["b", "c"], "c": ["a"]}, "a") == "c"


def test_questions_in_a_row_are_one_and_a_failed_answer_takes_its_question_with_it() -> None:
    """What a person wrote before anybody answered belongs together."""
    talk = [
        Message(role="user", text="a"),
        Message(role="assistant", text="", failed=True),
        Message(role="user", text="b"),
        Message(role="user", text="c"),
        Message(role="assistant", text="d"),
    ]
    [only] = answered(talk, conversation="x")

    assert [one.content for one in only.turns] == ["b\n\nc"]


@pytest.mark.parametrize(
    ("value", "rating"),
    [
        (1, 5),
        (-1, 1),
        ("-1", 1),
        ("thumbsUp", 5),
        ("BAD", 1),
        ("👎", 1),
        (True, 5),
        (0, None),
        ("--", None),
        (None, None),
    ],
)
def test_thumbs_however_they_are_written(value: Any, rating: int | None) -> None:
    """Numbers, words, signs."""
    assert thumb(value) == rating


def test_times_and_hidden_words() -> None:
    """Seconds, milliseconds, ISO; reasoning and calls of tools are no words to a person."""
    assert seconds(1772300000) == seconds(1772300000000)
    assert moment("2026-02-10T13:05:22Z") == moment("2026-02-10T13:05:22")
    assert moment("yesterday") is None
    assert shown('<think>hm</think><details type="reasoning" done="true">x</details>Sí.') == "Sí."
