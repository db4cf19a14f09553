"""Is the tuned model better than the base? Both answered the same held-out items, so the test is paired."""

from collections.abc import Sequence

import numpy as np

from afina.errors import NotEnoughDataError
from afina.records import Answered, EvalResult, Verdict
from afina.release.compare import mcnemar_p
from afina.settings import EvaluateSettings

RESAMPLES = 2000


def paired_outcomes(base: Sequence[Answered], tuned: Sequence[Answered]) -> list[tuple[bool, bool]]:
    """(base right, tuned right) per item.

    Raises:
        ValueError: the two did not answer the same items.
    """
    by_id = {a.id: a.correct for a in base}
    if by_id.keys() != {a.id for a in tuned}:
        msg = "the two results are not about the same items"
        raise ValueError(msg)
    return [(by_id[a.id], a.correct) for a in tuned]


def mcnemar(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, int, int]:
    """One-sided exact p-value that the second arm is better, and the discordant pairs it won and lost."""
    wins = sum(b and not a for a, b in pairs)
    losses = sum(a and not b for a, b in pairs)
    return mcnemar_p(wins, losses), wins, losses


def difference_interval(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the difference of accuracies over items."""
    gains = np.array([int(tuned) - int(base) for base, tuned in pairs])
    random = np.random.default_rng(0)
    means = gains[random.integers(0, len(gains), size=(RESAMPLES, len(gains)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def reach_verdict(
    base: EvalResult, tuned: EvalResult, yardsticks: Sequence[EvalResult], settings: EvaluateSettings
) -> Verdict:
    """The exact McNemar test (McNemar 1947; binomial over the discordant pairs, one-sided), and what it means.

    Raises:
        NotEnoughDataError: fewer items than the settings ask for.
    """
    pairs = paired_outcomes(base.answers, tuned.answers)
    if len(pairs) < settings.min_items:
        raise NotEnoughDataError(
            f"{len(pairs)} held-out items, at least {settings.min_items} are needed for a verdict",
            remedy="collect more reviewed messages, or raise freeze.test_share",
        )
    p_value, wins, losses = mcnemar(pairs)
    low, high = difference_interval(pairs)
    better = p_value < settings.alpha
    lost_to = [y for y in yardsticks if y.accuracy.score > tuned.accuracy.score]
    blocked = bool(lost_to) and settings.must_beat_yardsticks
    return Verdict(
        go=better and not blocked,
        p_value=p_value,
        difference=tuned.accuracy.score - base.accuracy.score,
        low=low,
        high=high,
        n=len(pairs),
        wins=wins,
        losses=losses,
        reasons=tuple(explain(tuned, base, lost_to, settings, p_value=p_value, wins=wins, losses=losses)),
    )


def explain(
    tuned: EvalResult,
    base: EvalResult,
    lost_to: Sequence[EvalResult],
    settings: EvaluateSettings,
    *,
    p_value: float,
    wins: int,
    losses: int,
) -> list[str]:
    """The verdict in sentences. A loss to a yardstick comes first."""
    said = []
    for yardstick in lost_to:
        effect = (
            "blocks the release" if settings.must_beat_yardsticks else "does not block (must_beat_yardsticks = false)"
        )
        said.append(
            f"{yardstick.arm} answers {yardstick.accuracy.score:.1%} right, the tuned model {tuned.accuracy.score:.1%}: "
            f"a simple classifier is enough for this task; this {effect}."
        )
    relation = "better than" if p_value < settings.alpha else "not shown to be better than"
    said.append(
        f"On {tuned.accuracy.n} held-out messages the tuned model is {relation} the base "
        f"({tuned.accuracy.score:.1%} against {base.accuracy.score:.1%}; {wins} won, {losses} lost; "
        f"exact McNemar p = {p_value:.2g}, alpha = {settings.alpha:g})."
    )
    return said
