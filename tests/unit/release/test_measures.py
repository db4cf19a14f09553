"""Values as harm."""

import numpy as np
import pytest

from afina.release.draws import Seen
from afina.release.measures import LEAST, sample, usual_before


def seen(values: list[float], canary: list[bool]) -> Seen:
    """Users one by one, an even draw."""
    n = len(values)
    return Seen(
        at=np.arange(n),
        user=np.arange(n),
        canary=np.array(canary),
        share=np.full(n, 0.5),
        value=np.array(values, dtype=float),
    )


def test_what_is_usual_is_learnt_from_production_before() -> None:
    """Never from what comes after, and anew when twice as much is known."""
    values = np.arange(100.0)

    usual = usual_before(values, np.ones(100, dtype=bool))

    assert np.isnan(usual[:LEAST]).all()
    assert usual[LEAST] == pytest.approx(np.quantile(values[:LEAST], 0.95))
    assert usual[2 * LEAST] == pytest.approx(np.quantile(values[: 2 * LEAST], 0.95))
    assert usual[2 * LEAST - 1] == usual[LEAST]


def test_slow_is_what_few_answers_of_production_are() -> None:
    """The canary's margin is a factor on what is slow."""
    production = [100.0] * 40
    found = sample("latency", seen([*production, 140.0, 160.0, 90.0], [False] * 40 + [True, True, False]), 1.5)

    assert found.x[-3:].tolist() == [1.0, 1.0, 0.0]
    assert found.bound == 0.0
    # 140 is within half as much again, 160 is not
    assert found.proof.value[-3] < found.proof.value[-2]


def test_costs_are_compared_in_units_of_what_is_usual() -> None:
    """Twice the usual is as harmful as it gets."""
    found = sample("cost", seen([10.0] * 40 + [10.0, 1000.0], [False] * 40 + [True, True]), 1.5)

    assert found.x[-2:].tolist() == [0.5, 1.0]


def test_before_production_is_known_nothing_is_slow() -> None:
    """A canary alone gives no rows."""
    assert sample("latency", seen([100.0] * 50, [True] * 50), 1.5).x.size == 0
