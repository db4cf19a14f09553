"""What comes from outside, made fit."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from afina.serve.storable import DEEPEST, MOST_PARAMETERS, bounded, one_line, plain, storable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)


@given(st.dictionaries(st.text(), JSON))
def test_parameters_are_storable_whatever_they_hold(parameters: dict[str, Any]) -> None:
    """No NUL characters, no half characters; what was storable is as it was."""
    found = bounded(parameters)

    assert "\x00" not in str(found)
    json.dumps(found, ensure_ascii=False).encode()
    assert bounded(found) == found


def test_the_words_of_an_escape_are_no_nul_character() -> None:
    """A schema's pattern may well speak of it."""
    assert bounded({"pattern": "[^\\u0000-\\u001f]"}) == {"pattern": "[^\\u0000-\\u001f]"}


def test_too_large_or_too_deep_ones_leave_their_names() -> None:
    """A row must not be as large as a body may be, nor as deep."""
    deep: Any = 1
    for _ in range(DEEPEST + 5):
        deep = [deep]

    assert bounded({"tools": "x" * MOST_PARAMETERS, "a": 1}) == {"too_large": ["a", "tools"]}
    assert bounded({"x": deep}) == {"too_large": ["x"]}


def test_one_line_and_plain() -> None:
    """For logs and headers."""
    assert one_line("a\nb\x1b[2J ñ") == "a?b?[2J ñ"
    assert plain("ñ\r\n") == "???"
    assert storable("a\x00\ud800") == "a?"
