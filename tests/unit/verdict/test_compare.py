"""Two arms on the same items."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from afina.verdict.compare import (
    Pairs,
    holm,
    interval,
    p_better,
    p_effect,
    p_positive,
    passes_from,
    standard_error,
    tango_z,
)


def pairs(a: list[float], b: list[float], groups: list[int] | None = None) -> Pairs:
    """A metric."""
    return Pairs(metric="m", a=np.array(a, float), b=np.array(b, float), groups=np.array(groups or range(len(a))))


def right_or_wrong(wins: int, losses: int, ties: int) -> Pairs:
    """Items with these outcomes."""
    return pairs([0.0] * wins + [1.0] * losses + [1.0] * ties, [1.0] * wins + [0.0] * losses + [1.0] * ties)


def test_tangos_published_example() -> None:
    """Tango 1998, table III (soft lens care, Miyanaga 1994): 44 pairs, 43 + 0 agree, one differs; z = 1.709 at a margin of 0.1."""
    assert tango_z(0, 1, 44, -0.1) == pytest.approx(1.709, abs=0.001)


def test_exact_mcnemar() -> None:
    """Ten won and two lost: P(X ≥ 10 | 12, ½) = 79 / 4096."""
    assert p_better(right_or_wrong(10, 2, 30)) == pytest.approx(79 / 4096)
    assert p_better(right_or_wrong(0, 0, 30)) == 1.0


def test_random_signs_agree_with_the_library() -> None:
    """scipy's paired permutation test on the same differences."""
    rng = np.random.default_rng(5)
    values = rng.normal(0.2, 1, 40)
    theirs = permutation_test(
        (values, np.zeros(40)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        alternative="greater",
        n_resamples=9999,
        vectorized=True,
        rng=rng,
    ).pvalue

    assert p_positive(values, np.arange(40), resamples=9999) == pytest.approx(theirs, abs=0.015)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=30))
def test_turned_round_the_difference_turns_round(scores: list[tuple[float, float]]) -> None:
    """Interval and point of (B, A) mirror those of (A, B)."""
    a, b = [x for x, _ in scores], [y for _, y in scores]
    low, high = interval(pairs(a, b), level=0.95)
    other_low, other_high = interval(pairs(b, a), level=0.95)

    assert (low, high) == pytest.approx((-other_high, -other_low), abs=1e-6)
    assert low <= float(np.mean(np.array(b) - np.array(a))) + 1e-9


@pytest.mark.parametrize(("wins", "losses", "ties"), [(12, 3, 40), (0, 0, 25), (9, 0, 0), (0, 7, 60)])
def test_tangos_interval_holds_the_score_test(wins: int, losses: int, ties: int) -> None:
    """At its ends the statistic is ±1.96, unless the end is that of the scale."""
    n = wins + losses + ties
    low, high = interval(right_or_wrong(wins, losses, ties), level=0.95)

    assert -1 <= low <= (wins - losses) / n <= high <= 1
    if low > -0.999:
        assert tango_z(wins, losses, n, low) == pytest.approx(1.96, abs=0.01)
    if high < 0.999:
        assert tango_z(wins, losses, n, high) == pytest.approx(-1.96, abs=0.01)


def test_items_of_one_group_count_as_one() -> None:
    """Every item four times in one group: means as before, error and p-value of a fourth of the items."""
    rng = random.Random(2)
    a, b = [rng.random() for _ in range(20)], [rng.random() + 0.1 for _ in range(20)]
    once = pairs(a, b)
    groups = [at for at in range(20) for _ in range(4)]
    four = pairs([x for x in a for _ in range(4)], [x for x in b for _ in range(4)], groups)

    assert standard_error(four) == pytest.approx(standard_error(once))
    assert p_better(four) == pytest.approx(p_better(once), abs=0.01)


def test_an_effect_is_harder_to_show_than_a_gain() -> None:
    """A gain of a tenth shows; that it is more than a twentieth of A's score shows less surely; more than a fifth, not."""
    rng = random.Random(3)
    a = [0.5 + 0.2 * rng.random() for _ in range(60)]
    one = pairs(a, [x + 0.1 * x + rng.gauss(0, 0.1) for x in a])

    assert p_better(one) < 0.001
    assert p_better(one) <= p_effect(one, 0.05) < 0.2
    assert p_effect(one, 0.2) > 0.9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_monotone_and_between_raw_and_bonferroni(raw: list[float]) -> None:
    """In the order of the raw values, never below them, never above Bonferroni's."""
    adjusted = holm(raw)

    for p, q in zip(raw, adjusted, strict=True):
        assert p <= q <= min(1.0, len(raw) * p) + 1e-12
    order = sorted(range(len(raw)), key=lambda at: raw[at])
    assert [adjusted[at] for at in order] == sorted(adjusted)


def test_what_passes_shrinks_with_the_root_of_the_items() -> None:
    """And stays finite and honest where nothing differed, right or wrong, or graded."""
    few, many = (
        passes_from(right_or_wrong(10, 10, 80), alpha=0.05),
        passes_from(right_or_wrong(40, 40, 320), alpha=0.05),
    )

    assert few / many == pytest.approx(2, rel=0.1)
    assert 0 < passes_from(right_or_wrong(0, 0, 30), alpha=0.05) < 0.2
    same = pairs([0.1, 0.5] * 15, [0.1, 0.5] * 15)
    assert 0 < passes_from(same, alpha=0.05) < 0.1
    low, high = interval(same, level=0.9)
    assert low < 0 < high, "thirty equal scores do not prove that all are"
    assert standard_error(pairs([0.1], [0.3])) == pytest.approx(0.2), "one group shows no spread: all that was seen"


def test_what_passes_answers_the_question_that_is_asked() -> None:
    """A least gain asks for more, a guard's margin for less."""
    one = right_or_wrong(12, 10, 78)
    alone = passes_from(one, alpha=0.05)

    assert passes_from(one, alpha=0.05, effect=0.1) > alone + 0.1 * float(one.a.mean()) - 0.02
    assert passes_from(one, alpha=0.05, margin=0.1) == pytest.approx(alone - 0.1)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 60), st.booleans())
def test_the_interval_lies_above_zero_where_the_test_finds_a_gain(
    wins: int, losses: int, ties: int, graded: bool
) -> None:
    """No go beside an interval that holds 0, but for a hair's breadth: one is exact, the other not."""
    one = right_or_wrong(wins, losses, ties)
    if graded:
        one = replace(one, a=one.a * 0.5, b=one.b * 0.5)

    assert p_better(one) > 0.03 or interval(one, level=0.9)[0] > 0
