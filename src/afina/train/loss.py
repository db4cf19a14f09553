"""Cross-entropy of the supervised rows, its gradient formed in the forward pass.

Only rows with a target meet the head, which for small models is a third of all arithmetic; logits exist for some rows at
a time and never for the backward pass.
"""

from typing import Any

import torch
from torch.nn import functional

from afina.train.kernels import Weight

LOGITS_BYTES = 128 * 2**20
"""How much of the logits may exist at once."""


class SupervisedLoss(torch.autograd.Function):
    """hidden (R, h), targets (R,), weights (R,) → Σ weight · −log p(target), a frozen head (V, h) in between."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: Weight, bias: torch.Tensor | None, targets: torch.Tensor,
        weights: torch.Tensor, softcap: float | None,
    ) -> torch.Tensor:  # fmt: skip
        """Rows in chunks; where no gradient is wanted none is formed."""
        weight = head.dense()
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else None
        total = hidden.new_zeros(())
        size = max(1, LOGITS_BYTES // (4 * weight.shape[0]))
        for at in range(0, len(hidden), size):
            some = slice(at, at + size)
            logits = functional.linear(hidden[some], weight, bias)
            if softcap is not None:
                logits.div_(softcap).tanh_().mul_(softcap)
            target, share = targets[some, None], weights[some, None]
            chosen = logits.gather(1, target)
            bent = None if softcap is None or not wanted else (logits / softcap).square_().neg_().add_(1)
            top = logits.amax(1, keepdim=True)
            sums = logits.sub_(top).exp_().sum(1, keepdim=True)
            total += ((sums.log() + top - chosen) * share).sum()
            if gradient is not None:
                # share · (softmax − one-hot), through the cap
                d = logits.mul_(share / sums)
                d.scatter_add_(1, target, -share)
                if bent is not None:
                    d.mul_(bent)
                torch.mm(d, weight, out=gradient[some])
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Scale what the forward pass made."""
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0], None, None, None, None, None
