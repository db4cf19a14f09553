"""Many examples in one row of tokens, every shared beginning in it once.

Causal attention makes the states of a prefix independent of what follows, and the loss is a sum; so the examples of an
optimiser step that begin alike can share the forward and backward pass of that beginning, exactly. Prefixes are found
in the tokens (a trie), not taken from a configuration: system prompt, few-shot block and document each share on their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from afina.chat.render import Rendered

MIN_SHARED = 8
"""Fewer shared tokens than this save less than the additional segment costs."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of tokens that belongs to one node of the trie.

    `start` is its first row in the packed tokens, `offset` the position of its first token in the example, which is the
    number of tokens of all its ancestors; `parent` is the index of the segment before it, -1 for none.
    """

    start: int
    length: int
    parent: int
    offset: int


@dataclass(frozen=True, slots=True)
class Packed:
    """Examples laid in one row.

    ids and positions (T,) int64; segments parents first; rows, targets (R,) int64 and weights (R,) float32: the row whose
    output predicts the target, and how many examples want it. A row occurs again for each different target.
    `tokens` counts the examples' tokens before sharing, `supervised` their supervised tokens.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    segments: tuple[Segment, ...]
    rows: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    tokens: int
    supervised: int


def pack(examples: Sequence[Rendered], *, share: bool = True, min_shared: int = MIN_SHARED) -> Packed:
    """Lay examples in one row, shared beginnings once; `share=False` lays them end to end."""
    trie = Trie(examples, min_shared if share else 0)
    wanted: dict[tuple[int, int], int] = {}
    for example, rows in zip(examples, trie.rows, strict=True):
        for at in range(1, len(example.ids)):
            if example.supervised[at]:
                key = (rows[at - 1], example.ids[at])
                wanted[key] = wanted.get(key, 0) + 1
    pairs = sorted(wanted)
    return Packed(
        ids=torch.tensor(trie.ids),
        positions=torch.tensor(trie.positions),
        segments=tuple(trie.segments),
        rows=torch.tensor([row for row, _ in pairs], dtype=torch.int64),
        targets=torch.tensor([target for _, target in pairs], dtype=torch.int64),
        weights=torch.tensor([wanted[pair] for pair in pairs], dtype=torch.float32),
        tokens=sum(len(example.ids) for example in examples),
        supervised=sum(wanted.values()),
    )


@dataclass(frozen=True, slots=True)
class Shared:
    """A beginning that all of a step's examples share, run once, and what follows it in several passes.

    The rows of `rest` count from the first token behind the prefix; its segments without a parent follow the prefix.
    """

    prefix: Packed
    rest: tuple[Packed, ...]

    @property
    def tokens(self) -> int:
        """Tokens of the examples before sharing."""
        return self.prefix.tokens

    @property
    def supervised(self) -> int:
        """Supervised tokens of all examples."""
        return self.prefix.supervised + sum(part.supervised for part in self.rest)


Part = Packed | Shared


def passes(part: Part) -> tuple[Packed, ...]:
    """The forward passes of a part."""
    return (part,) if isinstance(part, Packed) else (part.prefix, *part.rest)


def packs(examples: Sequence[Rendered], *, limit: int) -> list[Part]:
    """Lay examples in passes of at most `limit` tokens (up to `MIN_SHARED` more an example); a longer example is alone.

    One pass where all fits; the common beginning once and the rest in several passes where there is one; else neighbours in token
    order together.
    """
    whole = pack(examples)
    if len(whole.ids) <= limit:
        return [whole]
    if (shared := split_root(whole, limit)) is not None:
        return [shared]
    groups: list[list[Rendered]] = []
    size, before = 0, None
    for example in sorted(examples, key=lambda one: one.ids):
        new = len(example.ids) - (common_length(before.ids, example.ids, begin=0) if before else 0)
        if not groups or size + new > limit:
            groups.append([])
            size, new = 0, len(example.ids)
        groups[-1].append(example)
        size, before = size + new, example
    return [pack(group) for group in groups]


def split_root(packed: Packed, limit: int) -> Shared | None:
    """Cut behind the one segment that everything starts with; None without one, or where a branch is still too long."""
    roots = [segment for segment in packed.segments if segment.parent < 0]
    root = roots[0].length
    if len(roots) > 1 or root >= limit:
        return None
    branches = [at for at, segment in enumerate(packed.segments) if segment.parent == 0]
    ends = [*branches[1:], len(packed.segments)]
    groups: list[tuple[int, int]] = []  # ranges of segments
    for first, end in zip(branches, ends, strict=True):
        start = packed.segments[groups[-1][0] if groups else first].start
        last = packed.segments[end - 1]
        if groups and root + last.start + last.length - start <= limit:
            groups[-1] = (groups[-1][0], end)
        else:
            groups.append((first, end))
    rest = tuple(branch(packed, first, end) for first, end in groups)
    if any(root + len(part.ids) > limit for part in rest):
        return None
    return Shared(rows_of(packed, 0, root, (packed.segments[0],), tokens=packed.tokens), rest)


def branch(packed: Packed, first: int, end: int) -> Packed:
    """Segments first:end, which all follow the root, on their own."""
    start, last = packed.segments[first].start, packed.segments[end - 1]
    segments = tuple(
        Segment(s.start - start, s.length, s.parent - first if s.parent else -1, s.offset)
        for s in packed.segments[first:end]
    )
    return rows_of(packed, start, last.start + last.length, segments, tokens=0)


def rows_of(packed: Packed, first: int, end: int, segments: tuple[Segment, ...], *, tokens: int) -> Packed:
    """Some packed rows with what is supervised in them."""
    inside = (packed.rows >= first) & (packed.rows < end)
    return Packed(
        packed.ids[first:end],
        packed.positions[first:end],
        segments,
        packed.rows[inside] - first,
        packed.targets[inside],
        packed.weights[inside],
        tokens,
        int(packed.weights[inside].sum()),
    )


class Trie:
    """The segments of some examples and, for every example, the row of each of its tokens."""

    def __init__(self, examples: Sequence[Rendered], min_shared: int) -> None:
        self.examples, self.min_shared = examples, min_shared
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.segments: list[Segment] = []
        self.rows: list[list[int]] = [[] for _ in examples]
        order = sorted(range(len(examples)), key=lambda at: examples[at].ids) if min_shared else range(len(examples))
        self.grow(list(order), depth=0, parent=-1)

    def grow(self, members: list[int], *, depth: int, parent: int) -> None:
        """Lay what follows `depth` tokens that all members have in common. Members are sorted by their tokens."""
        for group, shared in self.groups(members, depth):
            node = self.lay(group, depth, shared, parent)
            if len(group) > 1:
                self.grow([m for m in group if len(self.examples[m].ids) > shared], depth=shared, parent=node)

    def groups(self, members: list[int], depth: int) -> list[tuple[list[int], int]]:
        """Neighbours that share enough beyond `depth`, each group with the depth to which all of it is the same."""
        found: list[tuple[list[int], int]] = []
        for member in members:
            length = len(self.examples[member].ids)
            if found and self.min_shared:
                group, shared = found[-1]
                common = common_length(self.examples[group[-1]].ids, self.examples[member].ids, begin=depth)
                if common >= depth + self.min_shared or common == length == len(self.examples[group[-1]].ids):
                    group.append(member)
                    found[-1] = (group, min(shared, common))
                    continue
            found.append(([member], length))
        return found

    def lay(self, group: list[int], first: int, end: int, parent: int) -> int:
        """Append one segment and note its rows for every member. Returns its index."""
        start = len(self.ids)
        self.ids += self.examples[group[0]].ids[first:end]
        self.positions += range(first, end)
        self.segments.append(Segment(start, end - first, parent, first))
        for member in group:
            self.rows[member] += range(start, start + end - first)
        return len(self.segments) - 1


def common_length(a: Sequence[int], b: Sequence[int], *, begin: int) -> int:
    """How many first tokens are the same; the first `begin` are known to be."""
    end = min(len(a), len(b))
    return next((at for at in range(begin, end) if a[at] != b[at]), end)
