"""Which transitions a rollout may make."""

from afina.errors import ReleaseError
from afina.records import RolloutState

S = RolloutState
TRANSITIONS: dict[tuple[RolloutState | None, str], RolloutState] = {
    (None, "start_canary"): S.CANARY,
    (None, "release"): S.PRODUCTION,
    (S.CANARY, "promote"): S.PRODUCTION,
    (S.CANARY, "roll_back"): S.ROLLED_BACK,
    (S.PRODUCTION, "roll_back"): S.ROLLED_BACK,
    (S.PRODUCTION, "supersede"): S.ARCHIVED,
    (S.ARCHIVED, "restore"): S.PRODUCTION,
}


def next_state(state: RolloutState | None, action: str) -> RolloutState:
    """The state after an action.

    Raises:
        ReleaseError: the action is not possible from this state.
    """
    after = TRANSITIONS.get((state, action))
    if after is None:
        raise ReleaseError(
            f"cannot {action.replace('_', ' ')} a rollout that is {state.value if state else 'not started'}"
        )
    return after
