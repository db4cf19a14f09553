"""Structures as models write them in YAML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.chat.blocks import as_blocks, written_as
from afina.chat.parse import read_yaml

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


def test_a_text_is_a_block_and_code_stands_as_it_is() -> None:
    """A quotation mark, a colon, a hash: nothing needs an escape. A word stands beside its key."""
    value = {"id": "FR001", "said": 'It is called "X": good # really.', "code": "def a():\n    return 1\n", "list": []}
    assert as_blocks([value]) == (
        '- id: FR001\n  said: >-\n    It is called "X": good # really.\n  code: |\n    def a():\n        return 1\n  list: []'
    )


@given(st.dictionaries(TEXTS, st.recursive(TEXTS | st.integers() | st.none(), st.lists, max_leaves=6), min_size=1))
def test_whatever_is_written_is_read_again(value: dict[str, object]) -> None:
    """Also what looks like a number, a truth, a list or a comment."""
    assert read_yaml(as_blocks({"first": value, "last": 0})) == {"first": value, "last": 0}


def test_equal_parts_are_written_twice() -> None:
    """A reference is not read: a few lines of them can mean gigabytes."""
    part = {"a": "b c"}
    assert read_yaml(as_blocks([part, part])) == [part, part]


@pytest.mark.parametrize(
    ("answer", "form", "written"),
    [
        ('{"a": "b c"}', "yaml", "a: >-\n  b c"),
        ("a: >-\n  b c", "json", '{"a": "b c"}'),
        ("a: 2024-01-02", "json", '{"a": "2024-01-02"}'),
        ("a: 2024-01-02", "yaml", "a: '2024-01-02'"),
        ("no structure", "yaml", "no structure"),
        ("2024-01-02: a", "yaml", "2024-01-02: a"),
    ],
)
def test_an_answer_in_another_form(answer: str, form: str, written: str) -> None:
    """What is no structure stays; a date becomes its text, as it does in JSON."""
    assert written_as(answer, form) == written
