"""Is the tuned model's mean score better? For scores that are more than right or wrong, such as chrF or log-likelihood."""

from collections.abc import Sequence

import numpy as np

from afina.errors import NotEnoughDataError
from afina.records import ChatResult, Verdict
from afina.release.compare import p_positive
from afina.settings import EvaluateSettings


def gains(a: Sequence[float], b: Sequence[float], groups: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Summed difference B - A and number of items of each group."""
    found: dict[str, tuple[float, int]] = {}
    for old, new, group in zip(a, b, groups, strict=True):
        total, count = found.get(group, (0.0, 0))
        found[group] = (total + new - old, count + 1)
    return found


def sign_flip_p(a: Sequence[float], b: Sequence[float], groups: Sequence[str]) -> float:
    """One-sided p-value that B's mean is higher on the same items.

    Paired permutation test (Fisher 1935): under the null hypothesis the two scores may change places, for all items of a
    group at once, because items of one conversation are not independent.
    """
    numbers = {group: at for at, group in enumerate(dict.fromkeys(groups))}
    return p_positive(np.asarray(b) - np.asarray(a), np.array([numbers[group] for group in groups], dtype=np.int64))


def mean_interval(a: Sequence[float], b: Sequence[float], groups: Sequence[str]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean difference B - A; groups are drawn, not items."""
    found = list(gains(a, b, groups).values())
    sums, sizes = np.array([total for total, _ in found]), np.array([count for _, count in found], dtype=float)
    drawn = np.random.default_rng(0).integers(0, len(found), size=(2000, len(found)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def reach_chat_verdict(
    base: ChatResult, tuned: ChatResult, yardsticks: Sequence[ChatResult], settings: EvaluateSettings
) -> Verdict:
    """Go when both chrF and the real answers' likelihood are better: the larger of the two p-values counts.

    Both must hold, so no correction for two tests is needed (intersection-union test, Berger 1982).

    Raises:
        NotEnoughDataError: fewer items than the settings ask for. ValueError: not the same items.
    """
    if [r.id for r in base.replies] != [r.id for r in tuned.replies]:
        msg = "the two results are not about the same items"
        raise ValueError(msg)
    if len(tuned.replies) < settings.min_items:
        raise NotEnoughDataError(
            f"{len(tuned.replies)} held-out replies, at least {settings.min_items} are needed for a verdict",
            remedy="collect more conversations, or raise freeze.test_share",
        )
    old, new, groups = [r.chrf for r in base.replies], [r.chrf for r in tuned.replies], [r.group for r in base.replies]
    by_chrf = sign_flip_p(old, new, groups)
    by_likelihood = sign_flip_p(likelihoods(base), likelihoods(tuned), groups)
    p_value = max(by_chrf, by_likelihood)
    low, high = mean_interval(old, new, groups)
    lost_to = [y for y in yardsticks if y.chrf.score > tuned.chrf.score]
    blocked = bool(lost_to) and settings.must_beat_yardsticks
    better = p_value < settings.alpha
    return Verdict(
        go=better and not blocked, p_value=p_value, difference=tuned.chrf.score - base.chrf.score, low=low, high=high,
        n=len(new), wins=sum(b > a for a, b in zip(old, new, strict=True)),
        losses=sum(b < a for a, b in zip(old, new, strict=True)),
        reasons=(
            *(yardstick_reason(y, tuned, settings) for y in lost_to),
            f"On {len(new)} held-out replies the tuned model is {'better than' if better else 'not shown to be better than'} "
            f"the base: chrF {100 * tuned.chrf.score:.1f} against {100 * base.chrf.score:.1f} (p = {by_chrf:.2g}), "
            f"log-likelihood of the real answers {mean(likelihoods(tuned)):.2f} against {mean(likelihoods(base)):.2f} nats "
            f"a token (p = {by_likelihood:.2g}); paired permutation tests over {len(set(groups))} conversations, alpha = {settings.alpha:g}.",
        ),
    )  # fmt: skip


def yardstick_reason(yardstick: ChatResult, tuned: ChatResult, settings: EvaluateSettings) -> str:
    """A loss to a yardstick, and what follows."""
    effect = "blocks the release" if settings.must_beat_yardsticks else "does not block (must_beat_yardsticks = false)"
    return (
        f"{yardstick.arm} (the answer given to the most similar known message) reaches chrF "
        f"{100 * yardstick.chrf.score:.1f}, the tuned model {100 * tuned.chrf.score:.1f}: looking answers up is enough "
        f"here; this {effect}."
    )


def likelihoods(result: ChatResult) -> list[float]:
    """Per-token log-likelihood of every real answer."""
    return [reply.log_likelihood or 0.0 for reply in result.replies]


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean."""
    return sum(values) / len(values)
