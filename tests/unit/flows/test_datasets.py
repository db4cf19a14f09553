"""Two versions of a dataset beside each other."""

from dataclasses import replace

from afina.flows.datasets import difference
from afina.freeze.freeze import Earlier, freeze
from afina.records import Split
from afina.settings import FreezeSettings
from tests.tasks import classifier, labelled, unlike

TASK = classifier("x")
ROWS = [labelled(str(n), unlike(n), f"u{n}", x="ab"[n % 2]) for n in range(60)]


def test_what_came_went_moved_and_was_answered_otherwise() -> None:
    """Three rows more, one less, one corrected; nobody moved."""
    old = freeze(ROWS, FreezeSettings(), TASK)
    corrected = replace(ROWS[0], answer='{"x": "b"}', stratum="b")
    more = [labelled(str(n), unlike(n), f"u{n}", x="c") for n in range(900, 903)]
    earlier = Earlier(parts={one.group: part for part in Split for one in old.part(part)})
    new = freeze([corrected, *ROWS[2:], *more], FreezeSettings(), TASK, earlier=earlier)

    found = difference(old, new)

    assert (found["added"], found["removed"], found["moved"], found["answered_otherwise"]) == (4, 2, 0, 1)
    assert found["classes"] == {"a": -1, "c": 3}
    assert {row["change"] for row in found["rows"]} == {"added", "removed"}
    assert difference(old, old)["rows"] == []
