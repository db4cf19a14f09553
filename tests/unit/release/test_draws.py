"""Who counts, with which probability."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from afina.release.draws import Seen, counted


def seen(rows: list[tuple[int, bool, float]]) -> Seen:
    """User, side, share."""
    return Seen(
        at=np.arange(len(rows)),
        user=np.array([row[0] for row in rows], dtype=np.int64),
        canary=np.array([row[1] for row in rows], dtype=bool),
        share=np.array([row[2] for row in rows], dtype=float),
        value=np.zeros(len(rows)),
    )


def test_one_user_counts_once_a_step() -> None:
    """The loud one's later answers change nothing."""
    rows, chance = counted(seen([(1, False, 0.2), (1, False, 0.2), (2, True, 0.2), (1, False, 0.2), (2, True, 0.2)]))

    assert rows.tolist() == [0, 2]
    assert chance.tolist() == [0.2, 0.2]


def test_who_was_not_drawn_is_drawn_again_among_the_rest() -> None:
    """From 20 to 50 %: three of the eight tenths that are left."""
    rows, chance = counted(seen([(1, False, 0.2), (1, True, 0.5)]))

    assert rows.tolist() == [0, 1]
    assert np.allclose(chance, [0.2, 0.375])


def test_who_met_the_canary_is_drawn_no_more() -> None:
    """And a share that falls decides nothing."""
    rows, _ = counted(seen([(1, True, 0.2), (1, True, 0.5), (2, False, 0.5), (2, False, 0.2)]))

    assert rows.tolist() == [0, 2]


def test_without_a_draw_nobody_counts() -> None:
    """Shares of none and all decide nothing."""
    assert counted(seen([(1, True, 1.0), (2, False, 0.0)]))[0].size == 0
    assert counted(seen([]))[0].size == 0


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.01, 0.05, 0.2, 0.5])), max_size=60), st.integers(0, 10**6)
)
def test_on_a_rising_ramp_it_is_what_a_plain_loop_says(asked: list[tuple[int, float]], seed: int) -> None:
    """Against the definition, user by user."""
    place = np.random.default_rng(seed).random(6)
    rows = [(user, bool(place[user] < share), share) for user, share in sorted(asked, key=lambda one: one[1])]
    last: dict[int, float] = {}
    met: set[int] = set()
    wanted = []
    for at, (user, canary, share) in enumerate(rows):
        if user not in met and share > last.get(user, 0.0):
            wanted.append((at, (share - last.get(user, 0.0)) / (1 - last.get(user, 0.0))))
            last[user] = share
            met |= {user} if canary else set()

    found, chance = counted(seen(rows))

    assert [(int(at), round(float(p), 9)) for at, p in zip(found, chance, strict=True)] == [
        (at, round(p, 9)) for at, p in wanted
    ]
