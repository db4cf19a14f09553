"""Rows on the disk, numbers in memory."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from afina.curate.table import Table, measured
from afina.records import Judged, Origin
from tests.tasks import classifier, labelled

TASK = classifier("x")
texts = st.text(st.characters(codec="utf-8"), max_size=40)


def table_of(rows: list[Judged]) -> Table:
    """With these rows."""
    table = Table()
    for row in rows:
        table.add(measured(row, TASK))
    return table


@given(st.lists(st.tuples(texts, texts), max_size=12))
def test_rows_come_back_as_they_went_in(said: list[tuple[str, str]]) -> None:
    """As often as they are read."""
    rows = [
        Judged(
            example=replace(
                labelled(str(at), text, x=label), origin=Origin(user=label, findings={"RUT": at}, confidence=0.5)
            ),
            step="rules" if at % 3 == 0 else "",
            reason="short" if at % 3 == 0 else "",
            fingerprint=str(at),
        )
        for at, (text, label) in enumerate(said)
    ]
    table = table_of(rows)

    assert list(table) == rows
    assert list(table) == rows
    assert len(table.alive()) == sum(row.kept for row in rows)


def test_a_later_step_rejects_what_an_earlier_one_let_through() -> None:
    """With its own reason; the most trusted and newest come first until then."""
    evidence = ["", "rating", "corrected", "reaction", "corrected"]
    rows = [
        Judged(example=replace(labelled(str(at), f"m{at}", x="a"), origin=Origin(evidence=one)))
        for at, one in enumerate(evidence)
    ]
    table = table_of(rows)

    assert table.ranked().tolist() == [4, 2, 1, 3, 0]
    table.reject([2, 3], "caps", "too many")

    assert [one.reason for one in table] == ["", "", "too many", "too many", ""]
    assert table.ranked().tolist() == [4, 1, 0]
