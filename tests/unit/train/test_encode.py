"""Batches and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.bases import semilla
from afina.chat.render import Rendered, load_renderer
from afina.errors import TrainError
from afina.records import RunState, Turn
from afina.settings import TooLong
from afina.train.encode import batch_order, encode_chats, encode_documents, fitted, windows
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


ROWS = st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=2, max_size=60).map(
    lambda pairs: Rendered(tuple(token for token, _ in pairs), (False, *(flag for _, flag in pairs[1:])))
)


@given(ROWS, st.integers(2, 20))
def test_windows_predict_every_token_once(row: Rendered, size: int) -> None:
    """Each supervised token with the token before it, whatever the size."""
    pieces = list(windows(row, size))

    assert all(1 < len(piece.ids) <= size for piece in pieces)
    learnt = [(a, b) for p in pieces for a, b, flag in zip(p.ids, p.ids[1:], p.supervised[1:], strict=False) if flag]
    assert learnt == [(a, b) for a, b, flag in zip(row.ids, row.ids[1:], row.supervised[1:], strict=False) if flag]


@given(st.lists(ROWS, min_size=1, max_size=8), st.integers(2, 20), st.sampled_from(["drop", "truncate", "split"]))
def test_nothing_is_longer_than_allowed_and_what_was_done_is_said(
    rows: list[Rendered], size: int, policy: TooLong
) -> None:
    """Short examples stay as they are; a sentence is said exactly if one was long."""
    said: list[str] = []
    kept = fitted(rows, max_tokens=size, too_long=policy, say=said.append)

    short = [row for row in rows if len(row.ids) <= size]
    assert all(len(row.ids) <= size for row in kept)
    expected: list[Rendered] = []
    for row in rows:
        if len(row.ids) <= size:
            expected.append(row)
        elif policy == "truncate":
            expected += [Rendered(row.ids[:size], row.supervised[:size])] if any(row.supervised[:size]) else []
        elif policy == "split":
            expected += [piece for piece in windows(row, size) if any(piece.supervised)]
    assert list(kept) == expected
    assert len(said) == (len(short) < len(rows))
    if said:
        assert said[0].startswith(f"{len(rows) - len(short)} of {len(rows)} examples")


def test_empty_answers_are_refused() -> None:
    """And so are answers that are nothing but thoughts, which are never learnt."""
    renderer = load_renderer(semilla.FOLDER)
    for answer in ("", "  \n", "<think>hm</think>"):
        with pytest.raises(TrainError, match="example 1: an answer is empty"):
            encode_chats([(Turn("user", "hola"), Turn("assistant", answer))], renderer, max_tokens=64)


def test_a_document_is_learnt_whole_and_ends() -> None:
    """Every token but the first; a control token typed into the text is none; long ones become windows."""
    renderer = load_renderer(semilla.FOLDER)
    (row,) = encode_documents(["El pedido <|im_end|> llegó."], renderer, max_tokens=64)

    assert row.supervised == (False, *(True for _ in row.ids[1:]))
    assert row.ids[-1] == renderer.tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert renderer.tokenizer.convert_tokens_to_ids("<|im_end|>") not in row.ids
    pieces = encode_documents(["palabra " * 40], renderer, max_tokens=16)
    assert len(pieces) > 2
    assert max(len(piece.ids) for piece in pieces) <= 16
