"""What Python reads beyond the standard is refused in words."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.files import JsonProblem, read_json_text

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values, st.booleans())
def test_what_json_writes_is_read_back(value: object, escaped: bool) -> None:
    """Emoji as pairs of escapes too."""
    assert read_json_text(json.dumps(value, ensure_ascii=escaped)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NaN", "NaN is no number"),
        ("[Infinity]", "Infinity"),
        ("1e999", "too large"),
        ("-1e999", "too large"),
        ("1" * 5000, "5000 digits"),
        ('"\\ud83d"', "half a character"),
        ('{"a\\udc00": 1}', "half a character"),
        ('"\\u0000"', "NUL"),
        ("[" * 100_000, "nested"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("01", "not JSON"),
    ],
)
def test_refusals_say_what_it_is(text: str, words: str) -> None:
    """One sentence, no error of another kind."""
    with pytest.raises(JsonProblem, match=words):
        read_json_text(text)


@given(st.text())
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    """And what is read can be written down."""
    with suppress(JsonProblem):
        json.dumps(read_json_text(text), ensure_ascii=False).encode()
