"""The packed row holds every example, token for token, and each sees exactly its own past."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from afina.chat.render import Rendered
from afina.train.packing import MIN_SHARED, Packed, Shared, pack, packs, passes
from afina.train.segments import Layout, make_blocks

few = st.integers(1, 3)  # few different tokens make shared beginnings, repetitions and prefixes of one another likely
example = st.lists(st.tuples(few, st.booleans()), min_size=1, max_size=14).map(
    lambda pairs: Rendered(tuple(i for i, _ in pairs), tuple(s for _, s in pairs))
)
examples = st.lists(example, min_size=1, max_size=8)


def visible(packed: Packed, *, window: int | None = None) -> list[list[int]]:
    """For every row the rows it attends to, in order, read from blocks and masks as the attention uses them."""
    layout = Layout(packed.segments)
    seen: list[list[int]] = [[] for _ in packed.ids]
    for block in make_blocks(packed.segments, window):
        keys = [row for first, end in block.keys for row in range(first, end)]
        mask = layout.mask(block, window)
        for at, row in enumerate(range(block.first, block.end)):
            hidden = [False] * len(keys)
            if mask is not None:
                tail = (mask[at] != 0).tolist()
                hidden[len(keys) - len(tail) :] = tail
            seen[row] = [key for key, is_hidden in zip(keys, hidden, strict=True) if not is_hidden]
    return seen


@given(examples, st.integers(1, 6), st.booleans())
def test_every_example_lies_whole_on_one_path(rows: list[Rendered], least: int, share: bool) -> None:
    """What the last token of some row sees, in order, is an example; and every example is seen so by some row."""
    packed = pack(rows, share=share, min_shared=least)
    paths = {tuple(int(packed.ids[row]) for row in seen) for seen in visible(packed)}

    assert {row.ids for row in rows} <= paths
    assert all(any(row.ids[: len(path)] == path for row in rows) for path in paths)
    assert [len(seen) - 1 for seen in visible(packed)] == packed.positions.tolist()
    assert packed.tokens == sum(len(row.ids) for row in rows)


@given(examples, st.integers(1, 6))
def test_every_supervised_token_counts_once_per_example(rows: list[Rendered], least: int) -> None:
    """As (everything before it → token), with multiplicity; a first token has nothing that could predict it."""
    packed = pack(rows, min_shared=least)
    seen = visible(packed)
    wanted: dict[tuple[tuple[int, ...], int], float] = {}
    for row in rows:
        for at in range(1, len(row.ids)):
            if row.supervised[at]:
                key = (row.ids[:at], row.ids[at])
                wanted[key] = wanted.get(key, 0) + 1
    got: dict[tuple[tuple[int, ...], int], float] = {}
    for at, target, weight in zip(packed.rows.tolist(), packed.targets.tolist(), packed.weights.tolist(), strict=True):
        key = (tuple(int(packed.ids[row]) for row in seen[at]), target)
        got[key] = got.get(key, 0) + weight

    assert got == wanted
    assert packed.supervised == sum(wanted.values())


@given(examples, st.integers(1, 5))
def test_a_window_leaves_the_last_tokens(rows: list[Rendered], window: int) -> None:
    """Exactly the last `window` rows of the unwindowed view."""
    packed = pack(rows, min_shared=1)

    assert visible(packed, window=window) == [seen[-window:] for seen in visible(packed)]


def test_long_segments_are_cut_into_blocks_with_windows() -> None:
    """Over several blocks, beginnings longer than the window."""
    start = tuple(range(1000, 1300))
    rows = [Rendered((*start, *range(at, at + 200)), (False,) * 300 + (True,) * 200) for at in (1, 400)]
    packed = pack(rows)

    assert len(packed.ids) == 700
    assert visible(packed, window=150) == [seen[-150:] for seen in visible(packed)]


def test_a_common_beginning_is_laid_once() -> None:
    """System prompt for all, examples for some: three levels, no token twice."""
    system, shots = tuple(range(10, 40)), [tuple(range(100, 120)), tuple(range(200, 220))]
    rows = [Rendered((*system, *shots[at % 2], 900 + at, 7), (False,) * 51 + (True,)) for at in range(6)]
    packed = pack(rows)

    assert len(packed.ids) == 30 + 2 * 20 + 6 * 2
    assert sorted(segment.length for segment in packed.segments) == [2] * 6 + [20] * 2 + [30]
    assert torch.equal(packed.weights, torch.ones(6))


@given(examples, st.integers(1, 30))
def test_packs_hold_everything_within_the_limit(rows: list[Rendered], limit: int) -> None:
    """A single example longer than the limit is alone in its pack."""
    parts = packs(rows, limit=limit)

    assert sum(part.tokens for part in parts) == sum(len(row.ids) for row in rows)
    assert sum(part.supervised for part in parts) == sum(sum(row.supervised[1:]) for row in rows)
    longest = max(len(row.ids) for row in rows)
    for part in parts:
        before = len(part.prefix.ids) if isinstance(part, Shared) else 0
        slack = MIN_SHARED * len(rows)
        assert all(before + len(one.ids) <= max(limit, longest) + slack for one in passes(part)[1:] or passes(part))


def test_a_shared_beginning_is_cut_off_and_keeps_what_it_predicts() -> None:
    """The prefix' last row predicts every first token behind it; branches count their rows from the cut."""
    rows = [Rendered((*range(10, 30), at, at + 1, at + 2), (False,) * 20 + (True,) * 3) for at in (50, 60, 70, 80)]
    (part,) = packs(rows, limit=26)

    assert isinstance(part, Shared)
    assert part.prefix.targets.tolist() == [50, 60, 70, 80]
    assert part.prefix.rows.tolist() == [19] * 4
    assert [one.ids.tolist() for one in part.rest] == [[50, 51, 52, 60, 61, 62], [70, 71, 72, 80, 81, 82]]
    assert [one.positions.tolist() for one in part.rest] == [[20, 21, 22] * 2] * 2
    assert part.supervised == 12


@pytest.mark.parametrize("count", [2, 5])
def test_the_same_example_twice_weighs_twice(count: int) -> None:
    """One segment, weights as often."""
    packed = pack([Rendered((5, 6, 7), (False, True, True))] * count)

    assert len(packed.segments) == 1
    assert packed.weights.tolist() == [count, count]
