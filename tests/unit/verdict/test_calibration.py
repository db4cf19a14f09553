"""Calibration, labels, confusion."""

import pytest

from afina.verdict.calibration import confusion, expected_calibration_error, per_label, reliability


def test_ece_of_a_worked_case() -> None:
    """Ten answers at 0.95, six right; ten at 0.55, all right: (0.35 + 0.45) / 2."""
    bins = reliability([0.95] * 10 + [0.55] * 10, [True] * 6 + [False] * 4 + [True] * 10)

    assert [(b.n, b.accuracy) for b in bins] == [(10, 1.0), (10, 0.6)]
    assert expected_calibration_error(bins) == pytest.approx(0.4)
    assert expected_calibration_error(()) == 0


def test_a_confidence_is_a_probability() -> None:
    """Above 1, below 0 and not a number are refused; 1 itself belongs to the last bin."""
    assert reliability([1.0], [True])[0].n == 1
    for bad in (1.01, -0.1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            reliability([bad], [True])


def test_labels_unseen_in_training_are_scored_and_do_not_raise() -> None:
    """A label that is only answered, and one that is only true."""
    found = {one.label: one for one in per_label(["a", "a", "b"], ["a", "x", "x"])}

    assert found["a"].recall == 0.5
    assert (found["b"].f1, found["b"].n) == (0.0, 1)
    assert "x" not in found


def test_rare_labels_are_put_together() -> None:
    """A grid of 150 labels shows nothing."""
    truth = ["a"] * 5 + ["b"] * 4 + ["c", "d"]
    labels, counts = confusion(truth, truth, most=2)

    assert labels == ["a", "b", "…"]
    assert counts == [[5, 0, 0], [0, 4, 0], [0, 0, 2]]
