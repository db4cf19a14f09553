"""How sure a version is of a structured answer: the probability of its tokens, calibrated on the validation part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's two numbers: P(right) = σ(slope · logit(p) + shift); see `evaluate/calibrate.py`, which fits them."""

    slope: float = 1.0
    shift: float = 0.0

    def of(self, probability: float) -> float:
        """The share of answers of this probability that are right."""
        p = min(1 - LEAST, max(LEAST, probability))
        return 1 / (1 + math.exp(-(self.slope * math.log(p / (1 - p)) + self.shift)))


def calibration_of(card: Mapping[str, Any]) -> Calibration:
    """What a version's card says; without, the probability stands for itself."""
    found = card.get("calibration") or {}
    return Calibration(float(found.get("slope", 1.0)), float(found.get("shift", 0.0)))


def probability_of(choice: Mapping[str, Any]) -> float | None:
    """Of the answer's tokens together; None where the server did not tell them."""
    try:
        pieces = (choice.get("logprobs") or {}).get("content")
        return math.exp(min(0.0, sum(float(piece["logprob"]) for piece in pieces))) if pieces else None
    except (AttributeError, KeyError, TypeError, ValueError):  # an upstream may tell anything
        return None
