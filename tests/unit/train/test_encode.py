"""Batches and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.bases import semilla
from afina.chat.render import load_renderer
from afina.errors import TrainError
from afina.records import RunState, Turn
from afina.train.encode import batch_order, encode_chats
from afina.train.loop import schedule
from afina.train.states import MOVES, sources


@given(st.integers(1, 80), st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_sees_every_row_once_in_a_repeatable_order(count: int, size: int, epoch: int) -> None:
    """A resumed run must continue the order of the interrupted one."""
    order = batch_order(count, batch_size=size, seed=3, epoch=epoch)

    assert sorted(row for batch in order for row in batch) == list(range(count))
    assert order == batch_order(count, batch_size=size, seed=3, epoch=epoch)


def test_long_examples_are_refused_not_cut() -> None:
    """The message says which and how long."""
    chat = (Turn("user", "hola " * 50), Turn("assistant", "sí"))

    with pytest.raises(TrainError, match=r"example 1 has \d+ tokens"):
        encode_chats([chat], load_renderer(semilla.FOLDER), max_tokens=32)
    with pytest.raises(TrainError, match="no assistant answer"):
        encode_chats([chat[:1]], load_renderer(semilla.FOLDER), max_tokens=512)


def test_the_rate_rises_then_falls_to_zero() -> None:
    """Linear warm-up, half a cosine."""
    values = [schedule(step, steps=100, warmup=10) for step in range(100)]

    assert values[0] > 0
    assert max(values) == pytest.approx(1)
    assert values[:10] == sorted(values[:10])
    assert values[10:] == sorted(values[10:], reverse=True)
    assert values[-1] < 0.001


@given(st.lists(st.sampled_from(list(RunState)), max_size=10))
def test_a_finished_run_never_starts_again(targets: list[RunState]) -> None:
    """Whatever is tried: done is done."""
    state = RunState.PLANNED
    for target in targets:
        if state.value in sources(target):
            assert state is not RunState.DONE
            assert target in MOVES[state]
            state = target
