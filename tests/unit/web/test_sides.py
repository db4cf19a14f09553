"""Side by side, blind."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.errors import InputError
from afina.files.forms import checked
from afina.web.sides import Rating, draw_sides, unblind

ROWS = [{"id": str(n), "question": "q", "expected": "", "a": f"a{n}", "b": f"b{n}"} for n in range(200)]


def test_sides_are_drawn_evenly_and_the_key_knows_them() -> None:
    """The key alone tells who wrote what."""
    shown, key = draw_sides(ROWS, seed="s", most=200)

    assert 70 < sum(side == "left" for side in key.values()) < 130
    for row in shown:
        assert row[key[row["id"]]] == f"b{row['id']}"
        assert set(row) == {"id", "question", "expected", "left", "right"}
    assert draw_sides(ROWS, seed="s", most=200) == (shown, key)
    assert [row["id"] for row in draw_sides(ROWS, seed="t", most=10)[0]] != [row["id"] for row in shown[:10]]


@given(st.lists(st.sampled_from(["left", "right", "tie"]), min_size=200, max_size=200))
def test_ratings_come_back_to_their_arms(choices: list[Literal["left", "right", "tie"]]) -> None:
    """Each rating gives one point, to who was on that side."""
    _, key = draw_sides(ROWS, seed="s", most=200)
    secret = {"page": "p", "b_is": key}
    found = unblind([Rating(id=str(n), choice=choice, page="p") for n, choice in enumerate(choices)], secret)

    for n, choice in enumerate(choices):
        a, b = found[str(n)]
        assert a + b == 1
        assert b == (0.5 if choice == "tie" else float(choice == key[str(n)]))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "1", "choice": "both", "page": "p"}, "`choice`: Input should be 'left', 'right' or 'tie', not 'both'"),
        ({"id": "999", "choice": "left", "page": "p"}, "'999' is no item of this key"),
        ({"id": "1", "choice": "left", "page": "q"}, "another page"),
        ({"id": "1", "choice": "left"}, "`page`: not given"),
    ],
)
def test_ratings_of_something_else_are_named(row: dict[str, Any], said: str) -> None:
    """Never counted silently."""
    _, key = draw_sides(ROWS, seed="s", most=200)
    with pytest.raises((ValueError, InputError), match=said):
        unblind([checked(Rating, row, "r.jsonl, line 1")], {"page": "p", "b_is": key})
