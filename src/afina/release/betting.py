"""Tests that may be looked at after every event: bets against a hypothesis.

Who bets against "the mean is at most 0" and may lose no more than all he has, multiplies his money by 1/alpha at any time with a probability of
at most alpha, if the hypothesis is true (Ville 1939). So the largest wealth so far is a test, whenever one looks. Bets of several sizes run side by
side, and their mean counts: nobody has to know the size of the effect (Waudby-Smith & Ramdas 2023, "Estimating means of bounded random variables by
betting"; Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences").

What is bet on is the effect of the canary on one user: (x - m) / p where the draw fell on the canary, -(x - m) / (1 - p) where it did not, with the
probability p of the draw and any m that was known before. Its mean is the difference of the two versions, whatever m is and however p changes
(Waudby-Smith et al. 2024, "Anytime-valid off-policy inference for contextual bandits"; Horvitz & Thompson 1952).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
BETS = 0.02 * 2.0 ** np.arange(7)
"""2 % to 128 % of the unit: the best bet is effect over variance, 0.08 for five points of a rate, 1 for rare errors."""
MOST = 0.9
"""Largest share of the wealth that one event may cost: who may lose all is out at the first surprise."""
BISECTIONS = 11
"""To a tenth of a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The canary's effect on the users, one number each in the order in which they were seen, and between which two numbers each had to lie.
    `weight`: how much of a bet is laid on each.
    """

    value: Numbers
    low: Numbers
    high: Numbers
    weight: Numbers


def effects(x: Numbers, m: Numbers, p: Numbers, canary: NDArray[np.bool_]) -> Effects:
    """Of values `x` in [0, 1] with predictions `m`, drawn to the canary with probability `p`."""
    value = np.where(canary, (x - m) / p, (m - x) / (1 - p))
    low, high = -np.maximum(m / p, (1 - m) / (1 - p)), np.maximum((1 - m) / p, m / (1 - p))
    # One over the variance: at a share of 1 % one effect is as noisy as 25 at 50 %, and would cost what those have won.
    return Effects(value=value, low=low, high=high, weight=4 * p * (1 - p))


def above(effect: Effects, bound: float = 0.0) -> Numbers:
    """Log wealth after each event of who bets against "the mean is at most `bound`"."""
    return log_wealth((effect.value - bound) * effect.weight, (effect.low - bound) * effect.weight)


def below(effect: Effects, bound: float = 0.0) -> Numbers:
    """The same against "the mean is at least `bound`"."""
    return log_wealth((bound - effect.value) * effect.weight, (bound - effect.high) * effect.weight)


def log_wealth(gains: Numbers, least: Numbers) -> Numbers:
    """Log of the mean wealth of all bets after each event, from 1. `least`: the smallest that each gain could have been."""
    if not gains.size:
        return gains
    bets = np.minimum(BETS, MOST / np.maximum(-least, 1e-12)[:, None])
    paths = np.cumsum(np.log1p(bets * gains[:, None]), axis=0)
    top = paths.max(axis=1)
    mean: Numbers = top + np.log(np.exp(paths - top[:, None]).mean(axis=1))
    return mean


def interval(effect: Effects, alpha: float) -> tuple[float, float]:
    """Between which two numbers the mean effect is, with confidence 1 - alpha at every look: a confidence sequence, from -1 to 1."""
    enough = np.log(2 / alpha)
    lows, highs = [-1.0, 1.0], [-1.0, 1.0]
    if not effect.value.size:
        return -1.0, 1.0
    for _ in range(BISECTIONS):  # wealth falls as the bound rises
        middle = sum(lows) / 2
        lows[0 if above(effect, middle)[-1] >= enough else 1] = middle
        middle = sum(highs) / 2
        highs[1 if below(effect, middle)[-1] >= enough else 0] = middle
    return lows[0], highs[1]
