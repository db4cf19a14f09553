"""Whole groups into parts."""

import pytest

from afina.errors import NotEnoughDataError
from afina.freeze.split import Rows, split_newest, split_parts
from afina.records import Split
from afina.settings import FreezeSettings


def test_split_by_time_holds_the_newest_groups_out() -> None:
    """A user who came back last week is new, with all that they ever said."""
    groups = [f"u{n // 2}" for n in range(40)]
    times = [f"2026-05-{1 + n // 2:02}" for n in range(40)]
    times[0] = "2026-06-30"  # the first user again, the last of all

    parts = split_parts(
        Rows(groups=groups, classes=["x"] * 40, times=times), FreezeSettings(split="time", test_share=0.25)
    )

    assert {groups[at] for at in parts[Split.TEST]} == {"u0", "u16", "u17", "u18", "u19"}
    assert len(parts[Split.TEST]) == 10
    assert max(times[at] for at in parts[Split.TRAIN]) < min(times[at] for at in parts[Split.VALIDATION])


def test_split_by_time_needs_times() -> None:
    """Without them it would be a guess."""
    with pytest.raises(NotEnoughDataError, match="do not say when"):
        split_newest(["a", "b"], ["2026-05-01", ""], share=0.5)


def test_a_share_that_no_number_of_folds_gives_is_met() -> None:
    """Of a hundred single rows three tenths: three folds would give a third."""
    parts = split_parts(
        Rows(groups=[str(n) for n in range(100)], classes=["ab"[n % 2] for n in range(100)]),
        FreezeSettings(test_share=0.3),
    )

    assert len(parts[Split.TEST]) in range(28, 33)
    assert abs(sum(at % 2 for at in parts[Split.TEST]) - 15) <= 2
