"""A generation beside production and beside the untuned base."""

from dataclasses import replace

from afina.flows.evaluate import beside_base
from afina.records import Cause, Outcome
from tests.unit.verdict.test_judge import arm, verdict

GO = verdict(arm("live", 10), arm("tuned", 50))


def test_small_losses_that_have_added_up_stop_a_version() -> None:
    """Better than production, but a guard is lost against the base."""
    lost = verdict(arm("base", 10), arm("tuned", 50, refused=30))
    assert lost.cause is Cause.GUARD

    found = beside_base(GO, lost)

    assert (found.outcome, found.cause, found.metrics) == (Outcome.NO_GO, Cause.DRIFTED, lost.metrics)
    assert found.because.startswith("against the untuned base: ")
    assert found.reasons[0] == found.because


def test_what_the_base_says_is_told_and_decides_nothing_else() -> None:
    """A gain that is not shown over the base takes no go away, and a no-go stays what it was."""
    same = verdict(arm("base", 50), arm("tuned", 50))
    assert beside_base(GO, same).outcome is Outcome.GO
    assert beside_base(GO, same).reasons[-1] == f"against the untuned base: {same.because}"
    no = replace(GO, outcome=Outcome.NO_GO, cause=Cause.NOT_SHOWN)
    assert beside_base(no, verdict(arm("base", 50), arm("tuned", 10))).cause is Cause.NOT_SHOWN
