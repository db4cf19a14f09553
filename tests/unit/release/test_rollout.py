"""Rollout states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.errors import ReleaseError
from afina.records import RolloutState
from afina.release.rollout import TRANSITIONS, next_state

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
