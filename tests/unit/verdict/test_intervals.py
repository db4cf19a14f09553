"""Scores and their intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from afina.verdict.intervals import macro_f1, macro_f1_gain, share

labels = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=5, max_size=60)


def test_wilson_interval_of_a_textbook_case() -> None:
    """8 of 10: Wilson gives 0.490 to 0.943."""
    score = share([True] * 8 + [False] * 2)

    assert (score.score, score.low, score.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=5e-4)


@given(labels)
def test_macro_f1_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    """Over the classes that occur in the truth."""
    truth, answers = [t for t, _ in pairs], [a for _, a in pairs]
    expected = f1_score(truth, answers, labels=sorted(set(truth)), average="macro", zero_division=0)

    score = macro_f1([{"x": one} for one in truth], [{"x": one} for one in answers])

    assert score.score == pytest.approx(expected)
    assert score.low <= score.high


@given(labels)
def test_the_gain_in_macro_f1_is_the_difference_and_nothing_for_equal_answers(pairs: list[tuple[str, str]]) -> None:
    """Both arms are drawn together: answers that are the same have no spread."""
    truth, answers = [t for t, _ in pairs], [a for _, a in pairs]
    groups = [str(at // 2) for at in range(len(pairs))]
    options = {"labels": sorted(set(truth)), "average": "macro", "zero_division": 0}

    same, better = (macro_f1_gain(truth, answers, other, groups) for other in (answers, truth))

    assert (same.score, same.low, same.high) == (0, 0, 0)
    assert better.score == pytest.approx(1 - f1_score(truth, answers, **options))
    assert better.low >= 0
