"""Products with frozen matrices: in float32, or in bfloat16 where the processor is faster in it.

A matrix that is not kept in float32 is decoded and multiplied part by part: a part stays in the cache between the two.

In bfloat16 both factors and the result are rounded to 8 bits of mantissa; the sums are float32 (AVX512_BF16 and AMX work so). Adapters, norms,
attention, the head and the loss stay in float32: they are few operations or lose most by rounding.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch.nn import functional

from afina.settings import TrainSettings
from afina.train.shape import Shape
from afina.train.storage import Dense, Half, Scratch, Weight, attach

ROUNDED = Scratch(torch.bfloat16)
"""Into which matrices of other storages are rounded."""
COMPUTES = ("float32", "bfloat16")
MEASURED_ROWS = 512
WORTH = 1.25
"""How much faster bfloat16 must be to be chosen: its results depend on the processor, float32's hardly do."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """A matrix whose products are made in bfloat16, however it is kept."""

    kept: Weight

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)"""
        return self.kept.shape

    def dense(self) -> torch.Tensor:
        """As it is kept."""
        return self.kept.dense()

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """As it is kept."""
        return self.kept.parts()

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """As it is kept."""
        return self.kept.lookup(rows)

    def rounded(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """First row, end row and bfloat16 matrix of some rows, valid until the next ones, until all were named."""
        if isinstance(self.kept, Half):
            yield 0, self.shape[0], self.kept.weight
            return
        for first, end, part in self.kept.parts():
            yield first, end, ROUNDED.of(*part.shape).copy_(part)


def linear(x: torch.Tensor, weight: Weight, bias: torch.Tensor | None) -> torch.Tensor:
    """x (T, in) → x Wᵀ + bias (T, out), float32."""
    if isinstance(weight, Dense):
        return functional.linear(x, weight.weight, bias)
    if isinstance(weight, Rounded):
        parts, x = weight.rounded(), x.bfloat16()
    else:
        parts = weight.parts()
    y = x.new_empty(len(x), weight.shape[0])
    for first, end, part in parts:
        torch.mm(x, part.t(), out=y[:, first:end])
    y = y.float()
    return y if bias is None else y.add_(bias)


def linear_back(dy: torch.Tensor, weight: Weight, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """dy (T, out) → dy W (T, in), float32; into `out` if given."""
    if isinstance(weight, Dense):
        return torch.mm(dy, weight.weight, out=out)
    return add_linear_back(dy.new_zeros(len(dy), weight.shape[1]) if out is None else out.zero_(), dy, weight)


def add_linear_back(dx: torch.Tensor, dy: torch.Tensor, weight: Weight) -> torch.Tensor:
    """dx += dy W."""
    if isinstance(weight, Rounded):
        dy = dy.bfloat16()
        for first, end, part in weight.rounded():
            dx.add_(torch.mm(dy[:, first:end], part))
        return dx
    for first, end, part in weight.parts():
        dx.addmm_(dy[:, first:end], part)
    return dx


def round_products(decoder: Any) -> None:
    """Let a decoder's linear layers multiply in bfloat16; those kept in float32 are kept in it from now on. Before an adapter is added."""
    for module in decoder.modules():
        if not isinstance(module, torch.nn.Linear):
            continue
        kept: Weight | None = getattr(module, "stored", None)
        if kept is None:
            kept = Half(module.weight.detach().bfloat16())
            module.weight = torch.nn.Parameter(torch.empty(0), requires_grad=False)
        attach(module, Rounded(kept))


def decided(settings: TrainSettings, shape: Shape, *, kept: str | None = None) -> TrainSettings:
    """The settings with `compute` settled: as asked, as an interrupted run had it (`kept`), or by measuring."""
    compute: str = settings.training.compute
    if compute == "auto":
        compute = kept or ("bfloat16" if bfloat16_speed(shape) >= WORTH else "float32")
    return settings.model_copy(update={"training": settings.training.model_copy(update={"compute": compute})})


def bfloat16_speed(shape: Shape) -> float:
    """How many times as fast one MLP's product is in bfloat16, the rounding of its input and output counted; takes some 50 ms."""
    x = torch.randn(MEASURED_ROWS, shape.hidden)
    exact = torch.randn(shape.inner, shape.hidden)
    half = Rounded(Half(exact.bfloat16()))
    plain = seconds_of(lambda: functional.linear(x, exact))
    return plain / seconds_of(lambda: linear(x, half, None))


def seconds_of(function: Callable[[], Any]) -> float:
    """Median of five, after one that does not count."""
    times = []
    for _ in range(6):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return median(times[1:])
