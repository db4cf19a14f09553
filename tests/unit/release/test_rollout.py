"""Rollout states and canary decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.errors import ReleaseError
from afina.records import RolloutState
from afina.release.canary import decide_canary
from afina.release.rollout import TRANSITIONS, next_state
from afina.release.traffic import ArmTraffic
from afina.settings import ReleaseSettings

RULES = ReleaseSettings()
ACTIONS = sorted({action for _, action in TRANSITIONS})


@given(st.lists(st.sampled_from(ACTIONS), max_size=12))
def test_a_rolled_back_version_never_serves_again(actions: list[str]) -> None:
    """Whatever is tried after it."""
    state: RolloutState | None = None
    seen_rolled_back = False
    for action in actions:
        try:
            state = next_state(state, action)
        except ReleaseError:
            continue
        assert not seen_rolled_back
        seen_rolled_back = state is RolloutState.ROLLED_BACK


def test_impossible_moves_are_named() -> None:
    """What cannot be, and from where."""
    with pytest.raises(ReleaseError, match="cannot promote a rollout that is archived"):
        next_state(RolloutState.ARCHIVED, "promote")


def arm(requests: int, *, errors: int = 0, p95: float = 10, accepted: int | None = None) -> ArmTraffic:
    """Traffic of one arm; `accepted` of all requests judged."""
    judged = requests if accepted is not None else 0
    return ArmTraffic(requests=requests, errors=errors, p95_ms=p95, judged=judged, accepted=accepted or 0)


@pytest.mark.parametrize(
    ("canary", "action"),
    [
        (arm(10), "wait"),
        (arm(60), "promote"),
        (arm(60, errors=5), "roll_back"),
        (arm(20, errors=5), "roll_back"),
        (arm(60, p95=50), "roll_back"),
        (arm(60, accepted=58), "promote"),
        (arm(60, accepted=20), "roll_back"),
    ],
)
def test_guardrails_then_traffic_then_promotion(canary: ArmTraffic, action: str) -> None:
    """Errors do not wait for enough traffic; everything else does."""
    decision = decide_canary(arm(240, accepted=180), canary, RULES)

    assert decision.action == action
    assert decision.reason
