"""Two arms on the same items, one metric: is B better, is B at least not worse, and what could these items have shown?

Every test is one-sided, paired, and about a mean: H0 "the mean of d is at most `shift`". Items that share an origin (a user, a
conversation) form a group and count as one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, ndtr, ndtri, stdtrit

Numbers = NDArray[np.float64]
RESAMPLES = 9999
POWER = 0.8
BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float64)
"""The bits of every byte (256, 8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One metric's scores of both arms, higher is better: a, b (n,); groups (n,) int64 from 0 without gaps.

    `turned`: the scores are those of a metric of which less is better, with the other sign.
    """

    metric: str
    a: Numbers
    b: Numbers
    groups: NDArray[np.int64]
    turned: bool = False

    @property
    def group_count(self) -> int:
        """How many independent observations there are."""
        return int(self.groups.max()) + 1

    @property
    def is_binary(self) -> bool:
        """Right or wrong, every item by itself: the exact tests for proportions hold."""
        return self.group_count == len(self.a) and bool(np.isin(self.a, (0, 1)).all() and np.isin(self.b, (0, 1)).all())

    def table(self) -> tuple[int, int, int]:
        """Items that B won, lost, and that are tied."""
        wins, losses = int((self.b > self.a).sum()), int((self.b < self.a).sum())
        return wins, losses, len(self.a) - wins - losses


def p_better(pairs: Pairs, *, shift: float = 0.0, resamples: int = RESAMPLES) -> float:
    """p-value of "B's mean exceeds A's by more than `shift`", which may be negative: a non-inferiority margin.

    Right-or-wrong items: the exact McNemar test (McNemar 1947), with a shift Tango's score test (1998). Otherwise the signs of
    the groups' summed differences are drawn at random (Fisher 1935; for the mean this equals the studentised test, which holds
    for skewed differences too, Janssen 1997).
    """
    if pairs.is_binary:
        wins, losses, _ = pairs.table()
        if shift == 0:
            return mcnemar_p(wins, losses)
        return float(ndtr(-tango_z(wins, losses, len(pairs.a), shift)))
    return p_positive(pairs.b - pairs.a - shift, pairs.groups, resamples=resamples)


def mcnemar_p(wins: int, losses: int) -> float:
    """One-sided exact p-value that B wins more of the discordant items than it loses."""
    return float(bdtrc(wins - 1, wins + losses, 0.5)) if wins else 1.0


def p_effect(pairs: Pairs, share: float, *, resamples: int = RESAMPLES) -> float:
    """p-value of "B's mean exceeds A's by more than `share` of A's mean". The doubt about A's mean is part of the test.

    Of a metric below zero, such as a log-likelihood, the share is of its size.
    """
    return p_positive(pairs.b - factor_of(pairs, share) * pairs.a, pairs.groups, resamples=resamples)


def factor_of(pairs: Pairs, share: float) -> float:
    """What A's mean is multiplied with to lie higher by a share of its size."""
    return 1 + share if pairs.a.mean() >= 0 else 1 - share


def p_positive(values: Numbers, groups: NDArray[np.int64], *, resamples: int = RESAMPLES) -> float:
    """One-sided p-value that the mean is above 0, by drawing the signs of group sums."""
    sums = np.bincount(groups, weights=values)
    observed = float(sums.sum())
    scale = float(np.abs(sums).sum())
    if scale == 0:
        return 1.0
    padded = np.zeros(-(-len(sums) // 8) * 8)
    padded[: len(sums)] = sums
    random = np.random.default_rng(0)
    # for each draw the sum of the groups whose sign is +, eight groups and one random byte at a time
    chosen = np.zeros(resamples)
    for eight in padded.reshape(-1, 8) @ BITS.T:
        chosen += eight.take(random.integers(0, 256, size=resamples, dtype=np.uint8))
    as_large = int((2 * chosen - observed >= observed - 1e-12 * scale).sum())  # Σ ±s = 2 Σ bit·s − Σ s
    return (as_large + 1) / (resamples + 1)


def tango_z(wins: int, losses: int, n: int, shift: float) -> float:
    """Score statistic of H0 "P(win) − P(loss) = shift" (Tango 1998, Statistics in Medicine 17:891)."""
    linear = -wins - losses + (2 * n - wins + losses) * shift
    constant = -losses * shift * (1 - shift)
    loss_rate = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * loss_rate + shift * (1 - shift))
    gain = wins - losses - n * shift
    return gain / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gain) if gain else 0.0


def interval(pairs: Pairs, *, level: float) -> tuple[float, float]:
    """Interval of the mean difference: Tango's for right-or-wrong items, else cluster-robust with Student's t.

    Of level 1 − 2α its lower end lies above 0 where the one-sided test at α finds a gain.
    """
    difference = float((pairs.b - pairs.a).mean())
    if pairs.is_binary:
        wins, losses, _ = pairs.table()
        z, n = float(ndtri((1 + level) / 2)), len(pairs.a)

        def root(target: float, low: float, high: float) -> float:
            if (tango_z(wins, losses, n, low) - target) * (tango_z(wins, losses, n, high) - target) >= 0:
                return low if target > 0 else high  # nothing won or nothing lost: the end of the scale
            return bisect(lambda shift: tango_z(wins, losses, n, shift) - target, low, high)

        edge = 1 - 1e-9  # at ±1 itself the statistic has no variance
        low = root(z, -edge, difference) if difference > -edge else -1.0
        return low, root(-z, difference, edge) if difference < edge else 1.0
    wide = float(stdtrit(max(1, pairs.group_count - 1), (1 + level) / 2)) * standard_error(pairs)
    return difference - wide, difference + wide


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that changes its sign between two ends is 0, to the last digit. (`scipy.optimize` has better ones; its
    import alone takes longer than a verdict.)
    """
    rising = function(high) > 0
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) > 0) is rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def standard_error(pairs: Pairs, *, factor: float = 1.0) -> float:
    """Of the mean of b − factor · a; groups of unequal size by linearisation (Cameron & Miller 2015, section II).

    Where all differences are the same, or few right-or-wrong items differ, two wins and two losses are added (Agresti & Caffo 2000):
    no spread seen does not mean that there is none.
    """
    differences = pairs.b - factor * pairs.a
    residuals = np.bincount(pairs.groups, weights=differences - differences.mean())
    count, n = pairs.group_count, len(differences)
    if count < 2:  # one group shows no spread; nothing narrower than all that was seen is known
        return float(max(pairs.a.max(), pairs.b.max()) - min(pairs.a.min(), pairs.b.min()))
    error = math.sqrt(count / (count - 1) * float((residuals**2).sum())) / n
    if pairs.is_binary:
        wins, losses, _ = pairs.table()
        return max(error, math.sqrt(wins + losses + 2) / (n + 4))
    if error <= 1e-12 * float(np.abs(differences).max()):
        scores = np.concatenate((pairs.a, pairs.b))
        return math.sqrt(2) / (count + 4) * float(np.ptp(scores) or abs(scores[0]) or 1.0)
    return error


def passes_from(pairs: Pairs, *, alpha: float, effect: float = 0.0, margin: float = 0.0) -> float:
    """The smallest true difference that passes its test in four of five comparisons on items like these.

    A target must exceed `effect` (share of A's mean), a guard must not fall below −`margin`.
    """
    factor = factor_of(pairs, effect) if effect else 1.0
    wanted = (factor - 1) * float(pairs.a.mean()) - margin
    return wanted + float(ndtri(1 - alpha) + ndtri(POWER)) * standard_error(pairs, factor=factor)


def holm(p_values: list[float]) -> list[float]:
    """p-values adjusted so that all of them together are wrong at most at the level of one (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = least
    return adjusted
