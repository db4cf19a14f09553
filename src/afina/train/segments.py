"""Attention over the segments of a packed row: each token sees its ancestors and itself, nothing else.

Queries go in blocks against the keys they may see, so that no T × T mask or score matrix ever exists; the backward pass
makes the probabilities again (as FlashAttention does, Dao et al. 2022). Query heads that share a key head
are one matrix product. Registered in transformers' attention interface, so every architecture that uses it gets this
one: grouped heads, rotary variants and query norms are done before it; sliding windows and soft caps in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from afina.train.kernels import apply
from afina.train.packing import Segment

NAME = "afina_segments"
KeysValues = tuple[torch.Tensor, torch.Tensor]
BLOCK = 128
"""Query rows of one block: a causal segment of n rows then wastes BLOCK / 2n of its work on masked scores."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some query rows `first:end` of one segment; `keys` are the row ranges it sees, in order of position, the last one
    ending with its own rows."""

    first: int
    end: int
    keys: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Layout:
    """What the attention of one forward pass needs to know.

    `needed` (T,) marks the rows whose last state is used, None for all. `past` rows, given for every layer by `given` as
    (keys, values) (Hkv, past, d), stand before the rows of this pass; `kept`, where it is a dict, collects this pass's own.
    """

    segments: tuple[Segment, ...]
    needed: torch.Tensor | None = None
    past: int = 0
    given: dict[int, KeysValues] = field(default_factory=dict)
    kept: dict[int, KeysValues] | None = None
    blocks: dict[int, list[Block]] = field(default_factory=dict)
    masks: dict[tuple[int, int, int], torch.Tensor] = field(default_factory=dict)

    def of(self, window: int | None) -> list[Block]:
        """The blocks under a sliding window (None: no window), made once for all layers."""
        key = window or 0
        if key not in self.blocks:
            self.blocks[key] = make_blocks(self.segments, window, past=self.past)
        return self.blocks[key]

    def mask(self, block: Block, window: int | None) -> torch.Tensor | None:
        """Additive float32 mask (rows, last keys) of a block; None where one row may see all its keys."""
        rows = block.end - block.first
        seen = sum(end - first for first, end in block.keys)
        banded = window is not None and seen > window
        width = seen if banded else rows
        key = (rows, width, window or 0)
        if rows == 1:
            return None
        if key not in self.masks:
            distance = torch.arange(rows)[:, None] + (width - rows) - torch.arange(width)[None]
            hidden = (distance < 0) | (distance >= window) if banded and window is not None else distance < 0
            self.masks[key] = torch.zeros(rows, width).masked_fill_(hidden, float("-inf"))
        return self.masks[key]


def make_blocks(segments: Sequence[Segment], window: int | None, *, past: int = 0) -> list[Block]:
    """Cut every segment into blocks and name the rows each block sees; every segment sees the `past` rows too."""
    blocks = []
    for segment in segments:
        ancestors: list[tuple[int, int]] = []
        above = segment.parent
        while above >= 0:
            begin = past + segments[above].start
            ancestors.insert(0, (begin, begin + segments[above].length))
            above = segments[above].parent
        if past:
            ancestors.insert(0, (0, past))
        for at in range(0, segment.length, BLOCK):
            end = min(at + BLOCK, segment.length)
            ranges = [*ancestors, (past + segment.start, past + segment.start + end)]
            if window is not None:
                ranges = last_rows(ranges, window + end - at - 1)
            blocks.append(Block(segment.start + at, segment.start + end, tuple(ranges)))
    return blocks


def last_rows(ranges: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The last `count` rows of some ranges."""
    kept: list[tuple[int, int]] = []
    for first, end in reversed(ranges):
        if count <= 0:
            break
        kept.insert(0, (max(first, end - count), end))
        count -= end - first
    return kept


def gather(x: torch.Tensor, block: Block) -> torch.Tensor:
    """The rows (heads, n, d) of x (heads, T, d) that a block sees."""
    parts = [x[:, first:end] for first, end in block.keys]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


@dataclass(frozen=True, slots=True)
class Shape:
    """How scores are made. `needed` marks rows whose output is used (None: all)."""

    scaling: float
    window: int | None
    softcap: float | None
    needed: torch.Tensor | None


def product(a: torch.Tensor, b: torch.Tensor, scale: float) -> torch.Tensor:
    """scale · a b, without a pass for the scale."""
    return torch.baddbmm(a.new_empty(1), a, b, beta=0, alpha=scale)


def probabilities(
    q: torch.Tensor, k: torch.Tensor, mask: torch.Tensor | None, shape: Shape, groups: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Softmax of the scores (Hkv, groups × rows, keys), and the derivative of the soft cap where there is one."""
    scores, bend = product(q, k.transpose(1, 2), shape.scaling), None
    if shape.softcap is not None:
        scores.div_(shape.softcap).tanh_()
        bend = 1 - scores.square()
        scores.mul_(shape.softcap)
    if mask is not None:
        rows, width = mask.shape
        scores.view(scores.shape[0], groups, rows, -1)[..., -width:].add_(mask)
    return torch.softmax(scores, -1), bend


class SegmentAttention(torch.autograd.Function):
    """q (H, T, d), k and v (Hkv, T', d) → (T, H, d)."""

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, layout: Layout, shape: Shape) -> Any:
        """Block by block; nothing of a block is kept."""
        heads, rows, size = q.shape
        kv = k.shape[0]
        groups = heads // kv
        out = q.new_zeros(rows, kv, groups, size)
        grouped = q.view(kv, groups, rows, size)
        for block in needed_blocks(layout, shape):
            mine = grouped[:, :, block.first : block.end].reshape(kv, -1, size)
            p, _ = probabilities(mine, gather(k, block), layout.mask(block, shape.window), shape, groups)
            answer = torch.bmm(p, gather(v, block))
            out[block.first : block.end] = answer.view(kv, groups, -1, size).permute(2, 0, 1, 3)
        ctx.save_for_backward(q, k, v)
        ctx.layout, ctx.shape = layout, shape
        return out.view(rows, heads, size)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Probabilities once more, then the usual products."""
        q, k, v = ctx.saved_tensors
        layout, shape = ctx.layout, ctx.shape
        heads, rows, size = q.shape
        kv = k.shape[0]
        groups = heads // kv
        wanted = gradients[0].reshape(rows, kv, groups, size)
        grouped = q.view(kv, groups, rows, size)
        dq, dk, dv = torch.zeros_like(grouped), torch.zeros_like(k), torch.zeros_like(v)
        for block in needed_blocks(layout, shape):
            some = slice(block.first, block.end)
            mine = grouped[:, :, some].reshape(kv, -1, size)
            dout = wanted[some].permute(1, 2, 0, 3).reshape(kv, -1, size)
            keys = gather(k, block)
            p, bend = probabilities(mine, keys, layout.mask(block, shape.window), shape, groups)
            add_rows(dv, torch.bmm(p.transpose(1, 2), dout), block)
            dp = torch.bmm(dout, gather(v, block).transpose(1, 2))
            ds = torch.ops.aten._softmax_backward_data(dp, p, -1, p.dtype)
            if bend is not None:
                ds.mul_(bend)
            dq[:, :, some] = product(ds, keys, shape.scaling).view(kv, groups, -1, size)
            add_rows(dk, product(ds.transpose(1, 2), mine, shape.scaling), block)
        return dq.view(heads, rows, size), dk, dv, None, None


def needed_blocks(layout: Layout, shape: Shape) -> list[Block]:
    """The blocks of which somebody reads a row."""
    blocks = layout.of(shape.window)
    if shape.needed is None:
        return blocks
    return [block for block in blocks if bool(shape.needed[block.first : block.end].any())]


def add_rows(into: torch.Tensor, part: torch.Tensor, block: Block) -> None:
    """Add the gradient (heads, n, d) of gathered rows to where they came from."""
    at = 0
    for first, end in block.keys:
        into[:, first:end] += part[:, at : at + end - first]
        at += end - first


def segment_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: Any = None,
    *,
    scaling: float,
    sliding_window: int | None = None,
    softcap: float | None = None,
    layout: Layout,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' attention interface. query (1, H, T, d), key and value (1, Hkv, T, d) → (1, T, H, d). Dropout is 0: the engine refuses others."""
    layer = int(module.layer_idx)
    k, v = key[0].contiguous(), value[0].contiguous()
    if layout.kept is not None:
        layout.kept[layer] = (k, v)
    if layout.past:
        before_k, before_v = layout.given[layer]
        k, v = torch.cat((before_k, k), dim=1), torch.cat((before_v, v), dim=1)
    last = layer == module.config.num_hidden_layers - 1
    shape = Shape(scaling, sliding_window, softcap, layout.needed if last else None)
    return apply(SegmentAttention, query[0].contiguous(), k, v, layout, shape)[None], None


AttentionInterface.register(NAME, segment_attention)
AttentionMaskInterface.register(NAME, lambda *_, **__: None)
