"""Bets against a hypothesis: exact on small numbers, right at every look, and worth something."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.release.betting import BETS, MOST, Effects, above, below, effects, interval


def drawn(n: int, *, difference: float, share: float = 0.5, seed: int = 0, rate: float = 0.2) -> Effects:
    """Users with a rate of harm, and the canary's difference."""
    rng = np.random.default_rng(seed)
    canary = rng.random(n) < share
    x = (rng.random(n) < rate + difference * canary).astype(float)
    return effects(x, np.full(n, rate), np.full(n, share), canary)


def test_the_wealth_is_the_mean_over_the_bets() -> None:
    """Reckoned by hand for two users of an even draw."""
    found = effects(np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.array([True, False]))

    assert found.value.tolist() == [1.0, 1.0]
    bets = np.minimum(BETS, MOST / 1.0)
    assert above(found) == pytest.approx([np.log((1 + bets).mean()), np.log(((1 + bets) ** 2).mean())])


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.99), st.booleans()), min_size=1, max_size=40)
)
def test_nobody_loses_more_than_he_has(rows: list[tuple[float, float, float, bool]]) -> None:
    """Whatever is seen and expected, wealth stays above zero."""
    x, m, p = (np.array([row[at] for row in rows]) for at in range(3))
    found = effects(x, m, p, np.array([row[3] for row in rows]))

    assert np.all(found.low <= found.value + 1e-9)
    assert np.all(found.value <= found.high + 1e-9)
    for path in (above(found), below(found), above(found, 0.05), below(found, 0.05)):
        assert np.all(np.isfinite(path))


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_equal_versions_seldom_make_anybody_rich(share: float) -> None:
    """Of 400 streams looked at after every user, hardly more than one in twenty ever reaches twenty-fold."""
    rich = sum(above(drawn(800, difference=0.0, share=share, seed=seed)).max() >= np.log(20) for seed in range(400))

    assert rich <= 32, "5 % and three standard errors"


def test_a_harm_is_found_and_its_size_is_told() -> None:
    """Ten points more, of 4,000 users; the interval holds the truth and leaves zero out."""
    found = drawn(4000, difference=0.1)

    assert above(found).max() > np.log(1000)
    assert below(found, 0.05).max() < np.log(20)
    low, high = interval(found, 0.05)
    assert 0.0 < low < 0.1 < high < 0.2


def test_no_users_no_knowledge() -> None:
    """Wealth has no history, the interval is all there can be."""
    found = drawn(0, difference=0.0)

    assert above(found).size == 0
    assert interval(found, 0.05) == (-1.0, 1.0)


def test_an_interval_that_is_looked_at_always_holds_the_truth() -> None:
    """Of 60 streams with five points more, at any of ten looks."""
    missed = 0
    for seed in range(60):
        found = drawn(1500, difference=0.05, seed=seed)
        cut = [
            Effects(value=found.value[:n], low=found.low[:n], high=found.high[:n], weight=found.weight[:n])
            for n in range(150, 1501, 150)
        ]
        missed += any(not low <= 0.05 <= high for low, high in (interval(part, 0.05) for part in cut))
    assert missed <= 8, "5 % of 60 and three standard errors"
