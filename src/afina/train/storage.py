"""How frozen matrices are kept: float32, bfloat16 (lossless for bfloat16 checkpoints) or NF4; computing is always float32.

A stored matrix is decoded into one buffer that all share, when a product needs it, in the forward and again in the
backward pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch

PART_BYTES = 8 * 2**20
"""float32 bytes of a part: it is still in the cache when it is multiplied, and no large matrix is ever there as a whole."""
ENCODE_BYTES = 4 * 2**20
"""The same while a matrix is stored: temporaries this small stay in the cache and in memory that the process has already."""
BLOCK, GROUP = 64, 256
NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip
"""Quantiles of a normal distribution, scaled to [-1, 1] (Dettmers et al. 2023, QLoRA, appendix E)."""


class Weight(Protocol):
    """A frozen matrix (out, in). What its methods return is valid until the next call of any weight's method."""

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)"""
        ...

    def dense(self) -> torch.Tensor:
        """The whole matrix, float32 (out, in)."""
        ...

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """First row, end row and float32 matrix of some rows, until all were named."""
        ...

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """A copy of some rows, float32 (…, in), for int64 indices (…)."""
        ...


class Scratch:
    """A buffer that is used again and again: fresh memory costs a page fault every 4 KiB."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.space = torch.empty(0, dtype=dtype)

    def of(self, rows: int, columns: int) -> torch.Tensor:
        """Uninitialised (rows, columns)."""
        if self.space.numel() < rows * columns:
            dtype = self.space.dtype
            self.space = torch.empty(0, dtype=dtype)  # free the old one first
            self.space = torch.empty(rows * columns, dtype=dtype)
        return self.space[: rows * columns].view(rows, columns)


SCRATCH = Scratch(torch.float32)
"""Into which matrices are decoded."""
INDEX = Scratch(torch.int32)


def cuts(shape: tuple[int, int], *, size: int, whole: int = 1) -> Iterator[tuple[int, int]]:
    """Row ranges of at most `size` bytes in float32; each but the last is a multiple of `whole` rows, which are more if they must."""
    step = max(1, size // (4 * shape[1] * whole)) * whole
    return ((at, min(at + step, shape[0])) for at in range(0, shape[0], step))


@dataclass(frozen=True, slots=True)
class Dense:
    """float32 as it is."""

    weight: torch.Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)"""
        return (self.weight.shape[0], self.weight.shape[1])

    def dense(self) -> torch.Tensor:
        """The matrix itself."""
        return self.weight

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """One part, the whole."""
        yield 0, self.weight.shape[0], self.weight

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows by index."""
        return self.weight[rows]


@dataclass(frozen=True, slots=True)
class Half:
    """bfloat16."""

    weight: torch.Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)"""
        return (self.weight.shape[0], self.weight.shape[1])

    def dense(self) -> torch.Tensor:
        """Widened."""
        return SCRATCH.of(*self.shape).copy_(self.weight)

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Widened part by part."""
        for first, end in cuts(self.shape, size=PART_BYTES):
            yield first, end, SCRATCH.of(end - first, self.shape[1]).copy_(self.weight[first:end])

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows by index, widened."""
        return self.weight[rows].float()


PAIRS = torch.tensor(NF4)[torch.stack((torch.arange(256) & 15, torch.arange(256) >> 4), 1)]
QUADS = torch.cat((PAIRS[torch.arange(65536) & 255], PAIRS[torch.arange(65536) >> 8]), 1)
"""Four codes lie in 16 bits: a table of all of them (1 MB, it stays in the cache) decodes four weights with one lookup."""


FINE = 2**15
CODES = torch.tensor(NF4)
NEAREST = torch.bucketize((torch.arange(FINE) + 0.5) * (2 / FINE) - 1, (CODES[1:] + CODES[:-1]) / 2, out_int32=True)
"""The nearest code of every 32,768th of [-1, 1]: looked up, not searched, a 3B model is stored in seconds."""


@dataclass(frozen=True, slots=True)
class NormalFloat:
    """NF4 with double quantisation: 4 bits a weight, 8 a block of 64, 64 a group of 256 blocks; 4.13 in all.

    codes (out, in / 4) int16; scales (out · in / 64,) uint8; low, step (groups,) float32, one group after the other.
    """

    codes: torch.Tensor
    scales: torch.Tensor
    low: torch.Tensor
    step: torch.Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)"""
        return (self.codes.shape[0], self.codes.shape[1] * 4)

    def decode(self, first: int, end: int, out: torch.Tensor) -> torch.Tensor:
        """Rows first:end into out (end − first, in)."""
        codes = self.codes[first:end]
        index = INDEX.of(*codes.shape).copy_(codes).bitwise_and_(0xFFFF)
        torch.index_select(QUADS, 0, index.view(-1), out=out.view(-1, 4))
        blocks = self.shape[1] // BLOCK
        at = torch.arange(first * blocks, end * blocks)
        group = at.div_(GROUP, rounding_mode="floor")
        scale = self.scales[first * blocks : end * blocks].float().mul_(self.step[group]).add_(self.low[group])
        out.view(-1, BLOCK).mul_(scale[:, None])
        return out

    def dense(self) -> torch.Tensor:
        """Decoded."""
        return self.decode(0, self.shape[0], SCRATCH.of(*self.shape))

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Decoded part by part."""
        for first, end in cuts(self.shape, size=PART_BYTES):
            yield first, end, self.decode(first, end, SCRATCH.of(end - first, self.shape[1]))

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """Row by row: a prompt has few different tokens."""
        different, where = rows.unique(return_inverse=True)
        table = torch.empty(len(different), self.shape[1])
        for at, row in enumerate(different.tolist()):
            self.decode(row, row + 1, table[at : at + 1])
        return table[where]


def as_nf4(weight: torch.Tensor) -> NormalFloat:
    """Nearest NF4 codes of a matrix (out, in) whose rows divide by 64; any float type."""
    out, columns = weight.shape
    peaks = torch.cat(
        [weight[a:b].float().view(-1, BLOCK).abs().amax(1) for a, b in cuts((out, columns), size=ENCODE_BYTES)]
    )
    groups = -(-len(peaks) // GROUP)
    padded = torch.cat((peaks, peaks[-1:].expand(groups * GROUP - len(peaks)))).view(groups, GROUP)
    low, high = padded.aminmax(dim=1)
    step = (high - low) / 255
    scales = ((padded - low[:, None]) / step.clamp_min(1e-30)[:, None]).round_().clamp_(0, 255).to(torch.uint8).view(-1)
    scales = scales[: len(peaks)].clone()
    codes = torch.empty(out, columns // 4, dtype=torch.int16)
    group = torch.arange(len(peaks)) // GROUP
    real = (scales.float() * step[group] + low[group]).clamp_min_(1e-30)
    for first, end in cuts((out, columns), size=ENCODE_BYTES):
        some = weight[first:end].float().view(-1, BLOCK) / real[first * columns // BLOCK : end * columns // BLOCK, None]
        index = some.add_(1).mul_(FINE / 2).to(torch.int32).clamp_(0, FINE - 1).view(-1)
        four = NEAREST.index_select(0, index).view(-1, 4)
        joined = four[:, 0] | four[:, 1] << 4 | four[:, 2] << 8 | four[:, 3] << 12
        codes[first:end] = joined.to(torch.int16).view(end - first, -1)
    return NormalFloat(codes, scales, low.contiguous(), step.contiguous())


def store(weight: torch.Tensor, kind: str) -> Weight:
    """A matrix in the wanted form; rows that do not divide by 64 stay in bfloat16 where NF4 is wanted."""
    if kind == "float32":
        return Dense(weight.float())
    if kind == "bfloat16" or weight.shape[1] % BLOCK:
        return Half(weight.to(torch.bfloat16, copy=True))
    return as_nf4(weight)


def attach(module: Any, weight: Weight) -> None:
    """Let a layer compute with a stored matrix; `stored` finds it."""
    module.stored = weight


def stored(module: Any) -> Weight:
    """A frozen layer's matrix in whatever form it is kept."""
    kept: Weight | None = getattr(module, "stored", None)
    return kept or Dense(module.weight)
