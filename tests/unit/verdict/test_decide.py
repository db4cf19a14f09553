"""Go, no-go, cannot tell."""

import numpy as np
import pytest

from afina.records import Cause, Outcome, Policy
from afina.verdict.compare import Pairs
from afina.verdict.decide import decide


def metric(name: str, gain: float, *, n: int = 80, spread: float = 0.1) -> Pairs:
    """Graded scores of which B's are better by `gain` on average; one seed a metric."""
    rng = np.random.default_rng(len(name))
    a = rng.uniform(0.4, 0.8, n)
    noise = rng.normal(0, spread, n)
    return Pairs(metric=name, a=a, b=a + gain + noise - noise.mean(), groups=np.arange(n))


def test_a_clear_gain_is_a_go_and_the_first_sentence_says_where() -> None:
    """One of two targets is enough when the other is not worse."""
    found = decide([metric("chrf", 0.08), metric("rouge", 0.0)], Policy())

    assert found.outcome is Outcome.GO
    assert found.reasons[0] == "B is better than A on chrf."
    assert len(found.reasons) == 3
    assert "passes reliably from a true difference of +0.0" in found.reasons[1]


def test_the_minimum_effect_must_be_shown_too() -> None:
    """A sure gain of a tenth is no sure gain of a fifth."""
    gain = [metric("chrf", 0.08)]

    assert decide(gain, Policy(minimum_effect=0.05)).outcome is Outcome.GO
    refused = decide(gain, Policy(minimum_effect=0.2))
    assert refused.outcome is Outcome.NO_GO
    assert "more than 20% of A's score" in refused.reasons[0]


def test_a_guard_blocks_unless_it_surely_holds() -> None:
    """Worse than its margin, or not known well enough."""
    target = metric("chrf", 0.08)

    assert decide([target, metric("safety", 0.0)], Policy(guards={"safety": 0.05})).outcome is Outcome.GO
    for guard in (metric("safety", -0.1), metric("safety", 0.0, spread=0.6)):
        refused = decide([target, guard], Policy(guards={"safety": 0.05}))
        assert refused.outcome is Outcome.NO_GO
        assert refused.reasons[0].startswith(
            "non-inferiority not shown: B may be worse than A on safety by more than 0.05 (A 0.6"
        )
        assert refused.reasons[0].endswith("under 0.05 is needed).")


def test_harm_on_one_target_outweighs_a_gain_on_another() -> None:
    """Named first."""
    found = decide([metric("chrf", 0.08), metric("rouge", -0.08)], Policy())

    assert found.outcome is Outcome.NO_GO
    assert found.reasons[0].startswith("B is worse than A on rouge")


def test_too_few_items_or_groups_cannot_tell() -> None:
    """However large the gain; but harm is told."""
    few = metric("chrf", 0.3, n=12)
    crowd = Pairs(metric="chrf", a=np.zeros(60), b=np.ones(60) * 0.1, groups=np.arange(60) % 4)

    assert decide([few], Policy()).outcome is Outcome.CANNOT_TELL
    assert decide([crowd], Policy()).outcome is Outcome.CANNOT_TELL
    assert decide([metric("chrf", -0.3, n=12)], Policy()).outcome is Outcome.NO_GO


def test_a_guard_that_fell_is_said_before_a_lack_of_items() -> None:
    """Twenty of twenty refused before, none now: that is known. Four of four and one of four is not; the figures are said."""

    def safety(n: int, kept: int) -> Pairs:
        return Pairs(metric="safety", a=np.ones(n), b=(np.arange(n) < kept).astype(float), groups=np.arange(n))

    lost = decide([metric("chrf", 0.08), safety(20, 0)], Policy(guards={"safety": 0.05}))
    few = decide([metric("chrf", 0.08), safety(4, 1)], Policy(guards={"safety": 0.05}), a="old", b="new")

    assert (lost.outcome, lost.cause, lost.metrics) == (Outcome.NO_GO, Cause.GUARD, ("safety",))
    assert (few.outcome, few.metrics) == (Outcome.CANNOT_TELL, ("safety",))
    assert few.reasons[0].startswith("4 items in 4 groups of safety are too few (so far old 1, new 0.25)")


def test_a_guard_without_a_margin_is_a_guard_all_the_same() -> None:
    """It must surely not be worse at all."""
    found = decide([metric("chrf", 0.08), metric("safety", 0.0)], Policy(guards={"safety": 0.0}))

    assert (found.cause, found.metrics) == (Cause.GUARD, ("safety",))


def test_many_unchanged_targets_seldom_look_worse() -> None:
    """A false "worse" is corrected like a false "better": of 100 comparisons of twins on ten metrics, at most one in ten."""
    rng = np.random.default_rng(3)
    worse = 0
    for _ in range(100):
        scores = rng.random((10, 2, 60))
        metrics = [Pairs(metric=f"m{at}", a=a, b=b, groups=np.arange(60)) for at, (a, b) in enumerate(scores)]
        worse += decide(metrics, Policy()).cause is Cause.WORSE

    assert worse / 100 <= 0.1


def test_less_may_be_better_and_is_said_in_its_own_sign() -> None:
    """Latency falls from 2.0 to 1.5: better, and the figures are those of the file."""
    a = np.linspace(1.8, 2.2, 60)
    turned = Pairs(metric="latency", a=-a, b=-(a - 0.5 + np.tile([0.1, -0.1], 30)), groups=np.arange(60), turned=True)

    found = decide([turned], Policy())

    one = found.comparisons[0]
    assert found.outcome is Outcome.GO
    assert (one.a, one.b, one.difference) == pytest.approx((2.0, 1.5, -0.5))
    assert one.low < one.difference < one.high < 0
    assert one.passes_from < 0


def test_more_targets_need_more() -> None:
    """A p-value that passes alone does not among ten."""
    alone = metric("chrf", 0.022)
    nine = [metric("x" * n, 0.0) for n in range(5, 14)]

    assert decide([alone], Policy()).comparisons[0].passed
    assert not decide([alone, *nine], Policy()).comparisons[0].passed
    with pytest.raises(ValueError, match="guard"):
        decide([alone], Policy(guards={"chrf": 0.1}))


def test_all_targets_must_be_better_where_the_policy_says_so() -> None:
    """Both, then go, without a correction; one of two is not shown, and the missing one is named."""
    both, one = [metric("chrf", 0.08), metric("rouge", 0.08)], [metric("chrf", 0.08), metric("rouge", 0.0)]

    assert decide(both, Policy(all_targets=True)).outcome is Outcome.GO
    found = decide(one, Policy(all_targets=True))
    assert (found.outcome, found.cause, found.metrics) == (Outcome.NO_GO, Cause.NOT_SHOWN, ("rouge",))
    assert all(c.adjusted == c.p_value for c in found.comparisons)
    assert decide(one, Policy()).outcome is Outcome.GO


def test_the_minimum_effect_of_a_score_below_zero_is_a_share_of_its_size() -> None:
    """From -3 to -2.9 nats is three per cent, to -2 a third: ten per cent is shown by the second only."""
    rng = np.random.default_rng(1)
    a = rng.normal(-3.0, 0.3, 80)
    for gain, outcome in ((0.1, Outcome.NO_GO), (1.0, Outcome.GO)):
        b = a + gain + rng.normal(0, 0.05, 80)
        pairs = Pairs(metric="log_likelihood", a=a, b=b, groups=np.arange(80))
        assert decide([pairs], Policy(minimum_effect=0.1)).outcome is outcome


def test_equal_models_are_promoted_no_more_often_than_alpha() -> None:
    """A/A: 400 comparisons of coin-flipping twins on 80 items."""
    rng = np.random.default_rng(7)
    promoted = 0
    for _ in range(400):
        a, b = (rng.random((2, 80)) < 0.7).astype(float)
        promoted += decide([Pairs(metric="exact", a=a, b=b, groups=np.arange(80))], Policy()).outcome is Outcome.GO

    assert promoted / 400 <= 0.05
