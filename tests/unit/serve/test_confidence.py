"""From the tokens' probabilities to the share that is right."""

import math

import pytest

from afina.serve.confidence import Calibration, calibration_of, probability_of


def test_an_answers_probability_is_that_of_its_tokens_together() -> None:
    """Where the server told them."""
    pieces = [{"logprob": math.log(0.5)}, {"logprob": math.log(0.8)}]

    assert probability_of({"logprobs": {"content": pieces}}) == pytest.approx(0.4)
    assert probability_of({}) is None


def test_without_a_card_it_stands_for_itself() -> None:
    """With one it is moved; 0 and 1 stay finite."""
    assert calibration_of({}).of(0.3) == pytest.approx(0.3)
    assert calibration_of({"calibration": {"slope": 1.0, "shift": -1.0}}).of(0.5) == pytest.approx(1 / (1 + math.e))
    assert 0 < Calibration().of(0.0) < Calibration().of(1.0) < 1
