"""The parts of a decoder layer with backward passes of their own: LoRA linear, gated activation, RMSNorm.

Autograd would keep a copy of every intermediate. These keep what is dear to make again (the outputs of matrix products)
and recompute what is cheap (activations, norms), and add a low-rank update in place instead of making two more
tensors of the layer's size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from afina.train.products import add_linear_back, linear, linear_back
from afina.train.storage import Weight


def apply(function: Any, *arguments: Any) -> torch.Tensor:
    """`function.apply`, which torch leaves untyped."""
    y: torch.Tensor = function.apply(*arguments)
    return y


def low_rank(
    x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, y: torch.Tensor, *, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add `scale · x Aᵀ Bᵀ` to y in place. Returns y and x Aᵀ, which the backward pass needs."""
    down = x @ a.t()
    return y.addmm_(down, b.t(), alpha=scale), down


class LoraLinear(torch.autograd.Function):
    """x (T, in) → x Wᵀ + bias + scale · drop(x) Aᵀ Bᵀ (T, out), W frozen (Hu et al. 2021)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        a: torch.Tensor,
        b: torch.Tensor,
        weight: Weight,
        bias: torch.Tensor | None,
        scale: float,
        kept: torch.Tensor | None,
    ) -> torch.Tensor:
        """`kept` (T, in) is the dropout mask, already divided by the share kept."""
        y, down = low_rank(x if kept is None else x * kept, a, b, linear(x, weight, bias), scale=scale)
        ctx.save_for_backward(x, a, b, down, kept)
        ctx.weight, ctx.scale = weight, scale
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """dx = dy W + scale · dy B A; dB = scale · dyᵀ x Aᵀ; dA = scale · (dy B)ᵀ x."""
        x, a, b, down, kept = ctx.saved_tensors
        dx, da, db = linear_gradients(
            gradients[0],
            x if kept is None else x * kept,
            a,
            b,
            down,
            ctx.scale,
            weight=ctx.weight if ctx.needs_input_grad[0] else None,
            kept=kept,
        )
        return dx, da, db, None, None, None, None


class LoraPair(torch.autograd.Function):
    """x (T, in) → two LoRA linears of the same x (T, out): the gate and the up projection.

    Both A see x in one product, and the gradients of both gather in one dx: apart, autograd would make it twice and add. Dropout
    draws a mask for each, so it needs two `LoraLinear`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        a1: torch.Tensor,
        b1: torch.Tensor,
        a2: torch.Tensor,
        b2: torch.Tensor,
        weights: tuple[Weight, Weight],
        biases: tuple[torch.Tensor | None, torch.Tensor | None],
        scales: tuple[float, float],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keeps x and both x Aᵀ."""
        rank = len(a1)
        down = x @ torch.cat((a1, a2)).t()
        first = linear(x, weights[0], biases[0]).addmm_(down[:, :rank], b1.t(), alpha=scales[0])
        second = linear(x, weights[1], biases[1]).addmm_(down[:, rank:], b2.t(), alpha=scales[1])
        ctx.save_for_backward(x, a1, b1, a2, b2, down)
        ctx.weights, ctx.scales = weights, scales
        return first, second

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """dx = Σ dyᵢ Wᵢ + scaleᵢ · dyᵢ Bᵢ Aᵢ."""
        x, a1, b1, a2, b2, down = ctx.saved_tensors
        rank, (dy1, dy2), (scale1, scale2) = len(a1), gradients, ctx.scales
        ddown = torch.empty_like(down)
        ddown[:, :rank] = (dy1 @ b1).mul_(scale1)
        ddown[:, rank:] = (dy2 @ b2).mul_(scale2)
        db1, db2 = (dy1.t() @ down[:, :rank]).mul_(scale1), (dy2.t() @ down[:, rank:]).mul_(scale2)
        da = ddown.t() @ x
        dx = None
        if ctx.needs_input_grad[0]:
            dx = add_linear_back(linear_back(dy1, ctx.weights[0]), dy2, ctx.weights[1])
            dx.addmm_(ddown, torch.cat((a1, a2)))
        return dx, da[:rank], db1, da[rank:], db2, None, None, None


class FrozenLinear(torch.autograd.Function):
    """x (T, in) → x Wᵀ + bias with a stored W."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: Weight, bias: torch.Tensor | None) -> torch.Tensor:
        """Keeps nothing."""
        ctx.weight = weight
        return linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """dx = dy W."""
        return linear_back(gradients[0], ctx.weight), None, None


def linear_gradients(
    dy: torch.Tensor,
    x: torch.Tensor,
    a: torch.Tensor,
    b: torch.Tensor,
    down: torch.Tensor,
    scale: float,
    *,
    weight: Weight | None,
    kept: torch.Tensor | None = None,
    out: torch.Tensor | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
    """Gradients of a LoRA linear layer; dx is None without `weight`, and lies in `out` if given, which may be x itself.

    `x` is what went into A.
    """
    ddown = (dy @ b).mul_(scale)
    db = (dy.t() @ down).mul_(scale)
    da = ddown.t() @ x
    if weight is None:
        return None, da, db
    dx = linear_back(dy, weight, out=out)
    if kept is None:
        dx.addmm_(ddown, a)
    else:
        dx.addcmul_(ddown @ a, kept)
    return dx, da, db


class GatedDown(torch.autograd.Function):
    """gate, up (T, inner) → down(act(gate) · up) (T, out), LoRA on `down`; the product is made again in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        gate: torch.Tensor,
        up: torch.Tensor,
        a: torch.Tensor,
        b: torch.Tensor,
        weight: Weight,
        bias: torch.Tensor | None,
        scale: float,
        kept: torch.Tensor | None,
        activation: "Activation",
    ) -> torch.Tensor:
        """`activation` gives act and its derivative."""
        h = activation.act(gate).mul_(up)
        y, down = low_rank(h if kept is None else h * kept, a, b, linear(h, weight, bias), scale=scale)
        ctx.save_for_backward(gate, up, a, b, down, kept)
        ctx.weight, ctx.scale, ctx.activation = weight, scale, activation
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """dgate = dh · up · act'(gate); dup = dh · act(gate).

        Gate and up, a layer's largest tensors, are written over: nobody reads them after this, and one more of their size is enough.
        """
        gate, up, a, b, down, kept = ctx.saved_tensors
        h = ctx.activation.act(gate).mul_(up)
        if kept is not None:
            h.mul_(kept)
        dh, da, db = linear_gradients(gradients[0], h, a, b, down, ctx.scale, weight=ctx.weight, kept=kept, out=h)
        assert dh is not None
        dgate = ctx.activation.backward(up.mul_(dh), gate)
        dup = dh.mul_(ctx.activation.in_place(gate))
        return dgate, dup, da, db, None, None, None, None, None


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation, the same over its input, and the product of a gradient with its derivative over the gradient; by torch's own kernels."""

    act: Callable[[torch.Tensor], torch.Tensor]
    in_place: Callable[[torch.Tensor], torch.Tensor]
    backward: Callable[..., torch.Tensor]


SILU = Activation(
    functional.silu,
    torch.ops.aten.silu_,
    lambda dy, x: torch.ops.aten.silu_backward.grad_input(dy, x, grad_input=dy),
)
GELU_TANH = Activation(
    lambda x: functional.gelu(x, approximate="tanh"),
    lambda x: torch.ops.aten.gelu_(x, approximate="tanh"),
    lambda dy, x: torch.ops.aten.gelu_backward.grad_input(dy, x, approximate="tanh", grad_input=dy),
)
GELU = Activation(
    functional.gelu,
    torch.ops.aten.gelu_,
    lambda dy, x: torch.ops.aten.gelu_backward.grad_input(dy, x, grad_input=dy),
)


class RmsNorm(torch.autograd.Function):
    """x (…, n) → x / rms(x) · w (Zhang & Sennrich 2019); w frozen. Keeps x and one number a row."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor, eps: float) -> torch.Tensor:
        """rms² = mean of squares + eps."""
        r = torch.linalg.vecdot(x, x).unsqueeze(-1).div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, w, r)
        y: torch.Tensor = x * r
        return y.mul_(w)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """dx = r · dy·w − x · r³ · mean(dy·w·x)."""
        x, w, r = ctx.saved_tensors
        g = gradients[0] * w
        s = torch.linalg.vecdot(g, x).unsqueeze(-1).mul_(r).mul_(r).mul_(r).div_(x.shape[-1])
        return g.mul_(r).addcmul_(x, s, value=-1), None, None
