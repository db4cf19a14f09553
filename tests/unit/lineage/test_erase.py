"""Plain data without a person's words."""

from hypothesis import given
from hypothesis import strategies as st

from afina.lineage.erase import ERASED, without
from afina.lineage.marks import Marks

OWN = "vivo en la casa azul de la calle larga número doce"
MARKS = Marks.made([OWN])
values = st.recursive(
    st.sampled_from(["otra cosa", OWN, f"dijo: {OWN}"]) | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(values)
def test_nothing_of_them_is_left_and_nothing_else_is_touched(value: object) -> None:
    """Whatever the form; a second time changes nothing."""
    clean = without(value, MARKS)

    assert not MARKS.in_text(repr(clean))
    assert without(clean, MARKS) == clean
    assert repr(clean) == repr(value).replace(repr(f"dijo: {OWN}"), repr(ERASED)).replace(repr(OWN), repr(ERASED))
