"""When a run has to go back."""

import math

from hypothesis import given
from hypothesis import strategies as st

from afina.train.checkpoint import Position
from afina.train.divergence import LEAST_SEEN, SUSTAINED, WINDOW, divergence


def test_what_is_no_number_is_seen_at_once() -> None:
    """Loss or gradient, from the first step on."""
    assert divergence(math.nan, 1.0, Position())
    assert divergence(1.0, math.inf, Position())


def test_one_bad_batch_is_no_divergence_and_three_are() -> None:
    """The losses that left the band do not widen it."""
    position = Position()
    for step in range(LEAST_SEEN):
        assert not divergence(1.0 + 0.05 * (step % 3), 1.0, position)
    assert not divergence(9.0, 1.0, position)
    assert not divergence(1.0, 1.0, position)
    assert position.spikes == 0

    found = [divergence(9.0, 1.0, position) for _ in range(SUSTAINED)]

    assert not any(found[:-1])
    assert found[-1].startswith("loss 9.00 after 1.0")


@given(st.lists(st.floats(0.01, 1.0), max_size=200))
def test_losses_below_a_nat_never_stop_a_run(losses: list[float]) -> None:
    """However they jump; and no more than a window of them is kept."""
    position = Position()

    assert not any(divergence(loss, 1.0, position) for loss in losses)
    assert len(position.recent) <= WINDOW
