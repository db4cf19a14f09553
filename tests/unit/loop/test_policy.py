"""The circle."""

import pytest

from afina.loop import Standing, next_step
from afina.records import Outcome, RunState

FULL = {"messages": 9, "kept": 9, "dataset": "dat", "run": RunState.DONE, "version": "v1", "outcome": Outcome.GO}


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"messages": 0, "kept": 0}, "afina import FILE"),
        ({"kept": 0}, "afina curate"),
        ({"dataset": None}, "afina freeze"),
        ({"run": None}, "afina train"),
        ({"run": RunState.FAILED}, "afina train --resume"),
        ({"version": None}, "afina export"),
        ({"outcome": None}, "afina evaluate"),
        ({}, "afina release"),
        ({"canary": True}, "afina release --settle"),
        ({"live": "v1"}, "afina review"),
        ({"outcome": Outcome.NO_GO}, "afina review"),
    ],
)
def test_each_stage_is_followed_by_the_next(changes: dict[str, object], command: str) -> None:
    """From an empty project round to the next decisions."""
    assert next_step(Standing(**{**FULL, **changes})).command == command  # type: ignore[arg-type]
