"""What channels have in common."""

from hypothesis import given
from hypothesis import strategies as st

from afina.channels import parts
from afina.files.loose_json import objects, text_at


@given(st.text(max_size=12_000))
def test_long_replies_come_in_pieces(text: str) -> None:
    """None longer than platforms take, and no word is lost."""
    found = parts(text)

    assert all(len(one) <= 4000 for one in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_values_at_paths_of_what_may_be_anything() -> None:
    """Numbers are texts, truth is none, and nothing breaks on the way."""
    assert text_at({"a": {"b": 5}}, "a", "b") == "5"
    assert text_at({"a": True}, "a") == text_at({"a": []}, "a", "b") == text_at(None, "a") == ""
    assert objects([1, {"a": 1}, None]) == [{"a": 1}]
    assert objects({"a": 1}) == []
