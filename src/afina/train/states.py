"""Which states a run may pass through."""

from afina.records import RunState

S = RunState
MOVES: dict[RunState, frozenset[RunState]] = {
    S.PLANNED: frozenset({S.RUNNING, S.CANCELLED}),
    # A run whose process was killed is still marked running: taking it up again is a move to running.
    S.RUNNING: frozenset({S.RUNNING, S.DONE, S.FAILED, S.CANCELLED}),
    S.FAILED: frozenset({S.RUNNING, S.CANCELLED}),
    S.CANCELLED: frozenset({S.RUNNING}),
    S.DONE: frozenset(),
}


def sources(target: RunState) -> list[str]:
    """States from which `target` may be entered."""
    return [state.value for state, targets in MOVES.items() if target in targets]
