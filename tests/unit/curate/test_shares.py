"""Loud users, large classes, old rows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.curate import curate
from afina.curate.shares import nth_of_group, over_share
from afina.records import Exchange
from tests.tasks import classifier, reviewed


def row(number: int, user: str, label: str) -> Exchange:
    """A message like no other."""
    return replace(reviewed(str(number), f"{number:x} " * 9, x=label), user=user)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.sampled_from([0.1, 0.2, 0.5]))
def test_no_user_gives_more_than_the_share_of_what_remains(users: list[int], share: float) -> None:
    """Where there are users enough to keep it."""
    owners = np.array(users, dtype=np.uint64)

    over = over_share(owners, share)

    kept = owners[~over]
    somebody = kept[kept != 0]
    if len(set(users) - {0}) >= 2 / share and len(somebody):
        assert max(np.unique(somebody, return_counts=True)[1]) <= max(1, share * len(kept))
    else:
        assert not over.any()


def test_one_loud_user_is_cut_and_the_quiet_ones_are_not() -> None:
    """A third of all rows is his; a tenth may be."""
    rows = [row(n, "loud" if n % 3 == 0 else f"u{n}", "ab"[n % 2]) for n in range(90)]

    curated = curate(rows, classifier("x", curate={"user_share": 0.1}))

    loud = [one for one in curated.examples if one.origin.user == "loud"]
    assert len(loud) <= 0.1 * len(curated.examples)
    assert len(curated.examples) - len(loud) == 60
    assert {one.reason for one in curated.rejections} == {"more than 10% of the examples are of this user"}
    assert min(int(one.source) for one in loud) > max(int(one.source) for one in curated.rejections)


@pytest.mark.parametrize(("power", "kept"), [(1.0, 64), (0.5, 16), (0.0, 4)])
def test_a_large_class_is_tempered(power: float, kept: int) -> None:
    """Sixty-four rows beside classes of four: all, the root, as many as the others."""
    rows = [row(n, "", "large") for n in range(64)]
    rows += [row(1000 + n, "", f"small {n % 4}") for n in range(16)]

    curated = curate(rows, classifier("x", curate={"balance": power}))

    assert sum("large" in one.answer for one in curated.examples) == kept
    assert len(curated.examples) - kept == 16


def test_a_fact_may_be_what_is_balanced() -> None:
    """Document 002: by intent and intensity."""
    rows = [replace(row(n, "", "ab"[n % 2]), facts={"intensity": "high" if n < 30 else "low"}) for n in range(34)]

    curated = curate(rows, classifier("x", curate={"balance": 0.0, "balance_by": ["intensity"]}))

    assert sum(one.facts["intensity"] == "low" for one in curated.examples) == 4


@given(st.lists(st.integers(0, 5), max_size=60))
def test_places_within_groups_count_up(groups: list[int]) -> None:
    """As a loop would count them."""
    seen: dict[int, int] = {}
    right = []
    for group in groups:
        right.append(seen.get(group, 0))
        seen[group] = seen.get(group, 0) + 1

    assert list(nth_of_group(np.array(groups, dtype=np.int64))) == right
