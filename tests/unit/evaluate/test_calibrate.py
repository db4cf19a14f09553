"""Probabilities that mean what they say."""

import random

import pytest

from afina.evaluate.calibrate import FEWEST, calibrate
from afina.serve.confidence import Calibration as Served
from afina.verdict.calibration import expected_calibration_error, reliability


def test_an_overconfident_model_is_brought_down() -> None:
    """It says 0.9 to 1.0 and is right seven times in ten: on answers that were not fitted its error falls below 0.05."""
    draw = random.Random(0)
    sure = [draw.uniform(0.9, 0.999) for _ in range(4000)]
    right = [draw.random() < 0.7 for _ in sure]
    found = calibrate(sure[:2000], right[:2000])
    assert found is not None
    moved = [Served(found.slope, found.shift).of(p) for p in sure[2000:]]

    assert expected_calibration_error(reliability(sure[2000:], right[2000:])) > 0.2
    assert expected_calibration_error(reliability(moved, right[2000:])) < 0.05
    assert found.n == 2000


def test_order_is_kept() -> None:
    """Of two answers the surer one stays the surer one."""
    draw = random.Random(1)
    sure = [draw.random() for _ in range(500)]
    found = calibrate(sure, [draw.random() < p for p in sure])
    assert found is not None
    moved = [Served(found.slope, found.shift).of(p) for p in sorted(sure)]

    assert moved == sorted(moved)
    assert found.slope == pytest.approx(1.0, abs=0.35), "probabilities that are right stay about as they are"


def test_too_few_are_not_fitted() -> None:
    """The probability stands for itself then."""
    assert calibrate([0.5] * (FEWEST - 1), [True] * (FEWEST - 1)) is None


def test_a_probability_that_says_nothing_becomes_the_share_that_is_right() -> None:
    """For every answer: surer ones were wrong more often."""
    found = calibrate([0.9] * 30 + [0.1] * 30, [False] * 30 + [True] * 30)
    assert found is not None

    assert Served(found.slope, found.shift).of(0.9) == pytest.approx(0.5, abs=0.01)


def test_where_all_are_right_nothing_becomes_certain() -> None:
    """Fifty of fifty is no proof of the next one."""
    found = calibrate([0.99] * 50, [True] * 50)

    assert found is None or Served(found.slope, found.shift).of(0.99) < 0.9999
