"""The verdict."""

import random

import pytest

from afina.errors import NotEnoughDataError
from afina.evaluate.score import score_answers
from afina.records import Answered, EvalResult
from afina.release.verdict import mcnemar, reach_verdict
from afina.settings import EvaluateSettings

RULES = EvaluateSettings()


def result(arm: str, right: list[bool]) -> EvalResult:
    """An arm that answers these items right or wrong."""
    answers = [
        Answered(id=str(i), target={"x": "a"}, answer={"x": "a" if ok else "b"}, correct=ok)
        for i, ok in enumerate(right)
    ]
    return score_answers(arm, answers, fields=["x"])


def test_exact_mcnemar_of_a_known_table() -> None:
    """9 won, 1 lost: P(X >= 9 | 10, 1/2) = 11/1024."""
    pairs = [(False, True)] * 9 + [(True, False)] + [(True, True)] * 50

    p_value, wins, losses = mcnemar(pairs)

    assert p_value == pytest.approx(11 / 1024)
    assert (wins, losses) == (9, 1)


def test_clearly_better_is_a_go_and_equal_is_not() -> None:
    """And the sentences say by how much."""
    weak, strong = result("base", [False] * 40 + [True] * 20), result("tuned", [True] * 60)

    assert reach_verdict(weak, strong, [], RULES).go
    assert not reach_verdict(strong, strong, [], RULES).go
    assert "40 won, 0 lost" in reach_verdict(weak, strong, [], RULES).reasons[-1]


def test_a_loss_to_a_yardstick_is_the_first_sentence_and_blocks() -> None:
    """Unless the settings say otherwise."""
    base, tuned, yardstick = (
        result("base", [False] * 60),
        result("tuned", [True] * 50 + [False] * 10),
        result("tfidf", [True] * 60),
    )

    blocked = reach_verdict(base, tuned, [yardstick], RULES)
    allowed = reach_verdict(base, tuned, [yardstick], RULES.model_copy(update={"must_beat_yardsticks": False}))

    assert not blocked.go
    assert blocked.reasons[0].startswith("tfidf answers 100.0% right")
    assert allowed.go
    assert allowed.reasons[0].startswith("tfidf")


def test_too_few_items_give_no_verdict() -> None:
    """Not a lucky go on ten messages."""
    with pytest.raises(NotEnoughDataError, match="10 held-out items"):
        reach_verdict(result("base", [False] * 10), result("tuned", [True] * 10), [], RULES)


def test_results_of_other_items_are_not_compared() -> None:
    """Paired means the same items."""
    with pytest.raises(ValueError, match="same items"):
        reach_verdict(result("base", [True] * 40), result("tuned", [True] * 41), [], RULES)


def test_two_equal_models_pass_no_more_often_than_alpha() -> None:
    """A/A: 2,000 comparisons of coin-flipping twins; the exact test stays below 5 %."""
    flip = random.Random(7)
    passed = 0
    for _ in range(2000):
        pairs = [(flip.random() < 0.7, flip.random() < 0.7) for _ in range(80)]
        passed += mcnemar(pairs)[0] < RULES.alpha

    assert passed / 2000 <= RULES.alpha
