"""Does a stated confidence mean what it says? And what a classifier confuses with what."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Answers of like confidence: mean confidence, share that was right, how many."""

    confidence: float
    accuracy: float
    n: int


def reliability(confidence: Sequence[float], correct: Sequence[bool], *, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width over 0 to 1, empty ones left out.

    Raises:
        ValueError: a confidence outside of 0 to 1.
    """
    sure, right = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    if sure.size and not (np.isfinite(sure).all() and sure.min() >= 0 and sure.max() <= 1):
        msg = "a confidence must lie between 0 and 1"
        raise ValueError(msg)
    at = np.minimum((sure * bins).astype(int), bins - 1)
    return tuple(
        Bin(confidence=float(sure[at == b].mean()), accuracy=float(right[at == b].mean()), n=int((at == b).sum()))
        for b in range(bins)
        if (at == b).any()
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and accuracy over the bins, by their size (ECE, Naeini et al. 2015)."""
    total = sum(b.n for b in bins)
    return sum(abs(b.confidence - b.accuracy) * b.n for b in bins) / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScores:
    """One label of one field."""

    label: str
    precision: float
    recall: float
    f1: float
    n: int


def per_label(truth: Sequence[str], answers: Sequence[str]) -> tuple[LabelScores, ...]:
    """Precision, recall and F1 of every label that occurs in the truth (scikit-learn); n is how often it does."""
    labels = sorted(set(truth))
    if not labels:
        return ()
    from sklearn.metrics import precision_recall_fscore_support  # 1.2 s: only where labels are counted

    found = precision_recall_fscore_support(truth, answers, labels=labels, zero_division=0.0)
    return tuple(
        LabelScores(label=label, precision=float(p), recall=float(r), f1=float(f), n=int(n))
        for label, p, r, f, n in zip(labels, *found, strict=True)
    )


def confusion(truth: Sequence[str], answers: Sequence[str], *, most: int = 20) -> tuple[list[str], list[list[int]]]:
    """Labels and how often a row's label was answered as a column's. Beyond `most`, the rarest labels become "…"."""
    counts: dict[str, int] = {}
    for label in [*truth, *answers]:
        counts[label] = counts.get(label, 0) + 1
    kept = sorted(counts, key=lambda label: -counts[label])[:most]
    small = [[label if label in kept else "…" for label in side] for side in (truth, answers)]
    labels = sorted(set(small[0]) | set(small[1]))
    from sklearn.metrics import confusion_matrix

    return labels, confusion_matrix(small[0], small[1], labels=labels).tolist() if labels else []
