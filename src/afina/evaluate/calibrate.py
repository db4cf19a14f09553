"""Makes a probability mean what it says: Platt's two numbers, fitted on the validation part, which neither training nor the verdict is judged by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 20
"""Answers below which two numbers cannot be fitted."""
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(right) = σ(slope · logit(p) + shift), and the answers that it was fitted on."""

    slope: float
    shift: float
    n: int


def calibrate(probabilities: Sequence[float], correct: Sequence[bool]) -> Calibration | None:
    """Fit on answers with their probabilities (0 to 1) and whether they were right. None where there are too few. Where the probability says nothing
    of which are right, every answer gets the share that is.

    A logistic regression with scikit-learn's standard penalty on Platt's smoothed targets (Platt 1999), which keeps it finite where all are right.
    """
    if len(probabilities) < FEWEST:
        return None
    from sklearn.linear_model import LogisticRegression  # 1.2 s: only where something is calibrated

    p = np.clip(np.asarray(probabilities, dtype=float), LEAST, 1 - LEAST)
    right = np.asarray(correct, dtype=bool)
    high, low = (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2)
    weights = np.where(right, high, low)
    logit = np.log(p / (1 - p)).reshape(-1, 1)
    # Each answer stands twice, right and wrong, with the weight of its target: scikit-learn's targets are classes.
    model = LogisticRegression().fit(
        np.concatenate([logit, logit]),
        np.repeat([1, 0], len(p)),
        sample_weight=np.concatenate([weights, 1 - weights]),
    )
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        share = float(weights.mean())
        slope, shift = 0.0, math.log(share / (1 - share))
    return Calibration(slope=slope, shift=shift, n=len(p))
