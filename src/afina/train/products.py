"""Products with frozen matrices: in float32, or in bfloat16 where the processor is faster in it.

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
from afina.train.storage import Half, Scratch, Weight, attach

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

    def rounded(self) -> torch.Tensor:
        """bfloat16 (out, in), valid until the next call."""
        if isinstance(self.kept, Half):
            return self.kept.weight
        return ROUNDED.of(*self.shape).copy_(self.kept.dense())


def linear(x: torch.Tensor, weight: Weight, bias: torch.Tensor | None) -> torch.Tensor:
    """x (T, in) → x Wᵀ + bias (T, out), float32."""
    if isinstance(weight, Rounded):
        y = functional.linear(x.bfloat16(), weight.rounded()).float()
        return y if bias is None else y.add_(bias)
    return functional.linear(x, weight.dense(), bias)


def linear_back(dy: torch.Tensor, weight: Weight, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """dy (T, out) → dy W (T, in), float32; into `out` if given."""
    if isinstance(weight, Rounded):
        dx = torch.mm(dy.bfloat16(), weight.rounded())
        return dx.float() if out is None else out.copy_(dx)
    return torch.mm(dy, weight.dense(), out=out)


def add_linear_back(dx: torch.Tensor, dy: torch.Tensor, weight: Weight) -> torch.Tensor:
    """dx += dy W."""
    if isinstance(weight, Rounded):
        return dx.add_(torch.mm(dy.bfloat16(), weight.rounded()))
    return dx.addmm_(dy, weight.dense())


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
