"""Rows → arrays."""

from afina.release.events import Observed, events_of


def test_every_measure_gets_its_rows_in_their_order() -> None:
    """Users are numbered, events keep their place among all."""
    found = events_of(
        [
            Observed("a", canary=True, share=0.2, values={"errors": 1.0}),
            Observed("b", canary=False, share=0.2, values={"errors": 0.0, "csat": 0.25}),
            Observed("a", canary=True, share=0.5, values={"csat": 1.0}),
        ]
    )

    assert found["errors"].at.tolist() == [0, 1]
    assert found["csat"].at.tolist() == [1, 2]
    assert found["csat"].user.tolist() == [1, 0]
    assert found["csat"].canary.tolist() == [False, True]
    assert found["csat"].share.tolist() == [0.2, 0.5]
    assert events_of([]) == {}
