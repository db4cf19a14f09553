"""The verdict on mean scores."""

import random

import pytest

from afina.errors import NotEnoughDataError
from afina.evaluate.replies import chrf, mean_score
from afina.records import ChatResult, Replied
from afina.release.paired import mean_interval, reach_chat_verdict, sign_flip_p
from afina.settings import EvaluateSettings


def result(arm: str, scores: list[float], *, likelihood: float = -3.0) -> ChatResult:
    """A result with these chrF scores; likelihoods vary a little around one value."""
    replies = tuple(
        Replied(
            id=str(n), group=str(n), expected="a", reply="b", chrf=score, log_likelihood=likelihood + 0.01 * (n % 7)
        )
        for n, score in enumerate(scores)
    )
    names = [reply.group for reply in replies]
    return ChatResult(
        arm=arm, chrf=mean_score(scores, names), log_likelihood=mean_score([likelihood], ["0"]), replies=replies
    )  # fmt: skip


def test_the_p_value_is_small_for_a_real_gain_and_uniform_without_one() -> None:
    """Under the null hypothesis about one in twenty is below 0.05."""
    rng = random.Random(1)
    base = [rng.random() for _ in range(40)]

    alone = [str(n) for n in range(40)]
    assert sign_flip_p(base, [x + 0.2 for x in base], alone) < 0.001
    assert sign_flip_p(base, base, alone) == 1.0
    null = [
        sign_flip_p([rng.random() for _ in range(12)], [rng.random() for _ in range(12)], alone[:12]) for _ in range(60)
    ]
    assert sum(p < 0.05 for p in null) <= 9


def test_replies_of_one_conversation_count_as_one() -> None:
    """Four replies that share their luck, in 15 conversations, without any real gain: about one in twenty, not one in seven."""
    rng = random.Random(3)
    groups = [str(n // 4) for n in range(60)]
    wrong = 0
    for _ in range(80):
        luck = [rng.gauss(0, 1) for _ in range(15)]
        b = [luck[n // 4] + rng.gauss(0, 1) for n in range(60)]
        wrong += sign_flip_p([0.0] * 60, b, groups) < 0.05
    assert wrong <= 10


def test_both_measures_must_be_better() -> None:
    """Nearer replies from a model to which the real answers became less likely are no gain."""
    base = result("base", [0.1 + 0.002 * n for n in range(40)])
    better = [0.4 + 0.003 * n for n in range(40)]

    go = reach_chat_verdict(base, result("tuned", better, likelihood=-1.0), [], EvaluateSettings())
    worse = reach_chat_verdict(base, result("tuned", better, likelihood=-5.0), [], EvaluateSettings())

    assert (go.go, worse.go) == (True, False)
    assert go.low <= go.difference <= go.high


def test_a_yardstick_blocks_and_is_named_first() -> None:
    """Looking answers up is enough."""
    base, tuned = result("base", [0.1] * 40), result("tuned", [0.4 + 0.001 * n for n in range(40)], likelihood=-1.0)
    nearest = result("nearest", [0.6] * 40)

    verdict = reach_chat_verdict(base, tuned, [nearest], EvaluateSettings())

    assert not verdict.go
    assert verdict.reasons[0].startswith("nearest")
    assert reach_chat_verdict(base, tuned, [nearest], EvaluateSettings(must_beat_yardsticks=False)).go


def test_too_few_replies_are_no_verdict() -> None:
    """Said with the number that is needed."""
    with pytest.raises(NotEnoughDataError, match="at least 30"):
        reach_chat_verdict(result("base", [0.1]), result("tuned", [0.2]), [], EvaluateSettings())


def test_chrf_is_sacrebleus() -> None:
    """From 0 to 1; equal texts are 1."""
    assert chrf("hola mundo", "hola mundo") == pytest.approx(1.0)
    assert 0 < chrf("hola munda", "hola mundo") < 1
    assert mean_interval([0.0] * 10, [1.0] * 10, list("abcdefghij")) == (1.0, 1.0)
