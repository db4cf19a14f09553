"""Traffic and time → promote, roll back, one step up, or wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from afina.records import CanaryStatus as S
from afina.release.canary import Look
from afina.release.decide import Moment, decide_canary
from afina.settings import ReleaseSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = ReleaseSettings()
QUIET = Look(
    canary_users=100,
    production_users=400,
    harmful_at=None,
    worst="feedback",
    leaning=False,
    proven_at=None,
    unproven=("feedback",),
    silent=(),
    signals=(),
    mismatch=1.0,
)
EARLY = Moment(now=START + timedelta(hours=1), started=START, stepped=START, last_met=START, share=0.05)
LATE = replace(EARLY, now=START + timedelta(days=2), last_met=START + timedelta(days=2))


@pytest.mark.parametrize(
    ("look", "moment", "action", "status"),
    [
        (QUIET, EARLY, "wait", S.RUNNING),
        (QUIET, LATE, "step", S.RUNNING),
        (QUIET, replace(LATE, share=0.5), "wait", S.RUNNING),
        (replace(QUIET, harmful_at=3), EARLY, "roll_back", S.FAILING),
        (replace(QUIET, proven_at=3, unproven=()), EARLY, "promote", S.READY),
        (replace(QUIET, proven_at=3, harmful_at=9, unproven=()), EARLY, "roll_back", S.FAILING),
        (replace(QUIET, proven_at=9, harmful_at=3, unproven=()), EARLY, "roll_back", S.FAILING),
        (replace(QUIET, proven_at=3, canary_users=20), EARLY, "wait", S.RUNNING),
        (replace(QUIET, proven_at=3, signals=("cost",)), LATE, "wait", S.PAUSED),
        (replace(QUIET, leaning=True), LATE, "wait", S.PAUSED),
        (replace(QUIET, mismatch=5000.0, proven_at=3), LATE, "wait", S.UNHEALTHY),
        (QUIET, replace(LATE, answered=40, missed=30), "wait", S.UNHEALTHY),
        (QUIET, replace(LATE, last_met=START), "wait", S.STUCK),
        (QUIET, replace(LATE, last_met=None), "wait", S.STUCK),
        (QUIET, replace(LATE, now=START + timedelta(days=29)), "roll_back", S.REVERTED),
        (replace(QUIET, signals=("cost",)), replace(LATE, now=START + timedelta(days=29)), "roll_back", S.REVERTED),
        (
            replace(QUIET, mismatch=5000.0, proven_at=3),
            replace(LATE, now=START + timedelta(days=29)),
            "roll_back",
            S.REVERTED,
        ),
        (replace(QUIET, proven_at=3, unproven=()), replace(LATE, now=START + timedelta(days=29)), "promote", S.READY),
        (QUIET, replace(LATE, now=START - timedelta(days=3)), "wait", S.RUNNING),
    ],
)
def test_the_first_rule_that_holds(look: Look, moment: Moment, action: str, status: S) -> None:
    """Harm before all else; a clock that was set back is no reason for anything."""
    found = decide_canary(look, moment, RULES)

    assert (found.action, found.status) == (action, status)
    assert found.because


def test_a_year_without_feedback_ends_and_says_why() -> None:
    """Errors and latency are proven, of the answers nothing is known."""
    silent = replace(QUIET, unproven=(), silent=("feedback", "implicit"))

    found = decide_canary(silent, replace(LATE, now=START + timedelta(days=365)), RULES)

    assert found.action == "roll_back"
    assert "nobody has said anything" in found.because


def test_a_person_may_have_the_last_word() -> None:
    """promote = "ask", and at_the_end = "keep"."""
    ready = replace(QUIET, proven_at=3, unproven=())
    late = replace(LATE, now=START + timedelta(days=29))

    assert decide_canary(ready, EARLY, ReleaseSettings(promote="ask")).action == "wait"
    kept = decide_canary(QUIET, late, ReleaseSettings(at_the_end="keep"))
    assert (kept.action, kept.status) == ("wait", S.STUCK)


def test_the_ramp_goes_up_by_its_steps() -> None:
    """One at a time."""
    assert decide_canary(QUIET, LATE, RULES).share == 0.2
    assert decide_canary(QUIET, replace(LATE, share=0.2), RULES).share == 0.5
