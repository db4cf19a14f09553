"""Answers → scores with 95 % intervals."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from afina.records import Fields, Score

RESAMPLES = 1000
Weights = npt.NDArray[np.float64]


def share(correct: Sequence[bool]) -> Score:
    """A share with its Wilson interval (Wilson 1927), which stays honest near 0 and 1."""
    n, k = len(correct), sum(correct)
    if n == 0:
        return Score(score=0.0, low=0.0, high=1.0, n=0)
    from scipy.stats import binomtest  # 0.6 s: `afina verdict` needs none of it

    interval = binomtest(k, n).proportion_ci(0.95, method="wilson")
    return Score(score=k / n, low=float(interval.low), high=float(interval.high), n=n)


def mean_score(values: Sequence[float], groups: Sequence[str]) -> Score:
    """A mean with its 95 % percentile bootstrap interval; whole conversations are drawn, not single replies."""
    _, numbers = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sums, sizes = np.bincount(numbers, weights=np.asarray(values, dtype=float)), np.bincount(numbers).astype(float)
    drawn = np.random.default_rng(0).integers(0, len(sums), size=(2 * RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Score(score=float(np.mean(values)), low=float(low), high=float(high), n=len(values))


def mean_or_share(values: Sequence[float], groups: Sequence[str]) -> Score:
    """A share with Wilson's interval where every item is right or wrong and stands for itself; else a mean, drawn by groups."""
    if not values or (set(values) <= {0.0, 1.0} and len(set(groups)) == len(groups)):
        return share([bool(value) for value in values])
    return mean_score(values, groups)


def weighted_macro_f1(truth: Sequence[str], answers: Sequence[str], weights: Weights) -> Weights:
    """Macro-F1 for each row of `weights`, shape (resamples, items) → (resamples,).

    The mean runs over the classes that occur in the truth; a wrong answer counts as a false positive of its class
    if that class occurs. F1 = 2·tp / (2·tp + fp + fn).
    """
    classes = sorted(set(truth))
    is_true = np.array([[t == c for c in classes] for t in truth], dtype=float)
    is_said = np.array([[a == c for c in classes] for a in answers], dtype=float)
    hits = weights @ (is_true * is_said)
    total = weights @ is_true + weights @ is_said
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    mean: Weights = f1.mean(axis=1)
    return mean


def macro_f1(truth: Sequence[Fields], answers: Sequence[Fields], *, seed: int = 0) -> Score:
    """Macro-F1, averaged over the truth's fields, with a percentile bootstrap over items. A missing field is a wrong answer."""
    n = len(answers)
    random = np.random.default_rng(seed)
    resampled = random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    weights = np.vstack([np.ones((1, n)), resampled])
    values = np.mean(
        [weighted_macro_f1([one[f] for one in truth], [one.get(f, "") for one in answers], weights) for f in truth[0]],
        axis=0,
    )
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Score(score=float(values[0]), low=float(low), high=float(high), n=n)


def macro_f1_gain(truth: Sequence[str], a: Sequence[str], b: Sequence[str], groups: Sequence[str]) -> Score:
    """By how much B's macro-F1 exceeds A's, with a paired percentile bootstrap (Efron & Tibshirani 1993) that draws whole groups."""
    _, numbers = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    count = int(numbers.max()) + 1
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)
    weights = np.vstack([np.ones((1, len(truth))), drawn[:, numbers]])
    values = weighted_macro_f1(truth, b, weights) - weighted_macro_f1(truth, a, weights)
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Score(score=float(values[0]), low=float(low), high=float(high), n=len(truth))
