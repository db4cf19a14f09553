"""Cross-entropy of the supervised rows, its gradient formed in the forward pass.

Only rows with a target meet the head, which for small models is a third of all arithmetic; logits exist for some rows at
a time and never for the backward pass.
"""

from typing import Any

import torch

from afina.train.storage import Weight

LOGITS_BYTES = 48 * 2**20
"""How much of the logits may exist at once."""


class SupervisedLoss(torch.autograd.Function):
    """hidden (R, h), targets (R,), weights (R,) → Σ weight · −log p(target), a frozen head (V, h) in between."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: Weight,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        weights: torch.Tensor,
        softcap: float | None,
    ) -> torch.Tensor:
        """Rows in chunks, the head in parts; where no gradient is wanted none is formed."""
        gradient = torch.zeros_like(hidden) if ctx.needs_input_grad[0] else None
        total = hidden.new_zeros(())
        most = max(1, LOGITS_BYTES // (4 * head.shape[0]))
        size = -(-len(hidden) // -(-len(hidden) // most))  # chunks of one size: no more of them, each smaller
        for at in range(0, len(hidden), size):
            some = slice(at, at + size)
            logits = all_logits(hidden[some], head, bias)
            loss, slope = loss_and_slope(logits, targets[some], weights[some], softcap, wanted=gradient is not None)
            total += loss
            if gradient is not None and slope is not None:
                for first, end, part in head.parts():
                    gradient[some].addmm_(slope[:, first:end], part)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Scale what the forward pass made."""
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0], None, None, None, None, None


def all_logits(hidden: torch.Tensor, head: Weight, bias: torch.Tensor | None) -> torch.Tensor:
    """(R, h) → (R, V)."""
    logits = hidden.new_empty(len(hidden), head.shape[0])
    for first, end, part in head.parts():
        torch.mm(hidden, part.t(), out=logits[:, first:end])
    return logits if bias is None else logits.add_(bias)


def loss_and_slope(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, softcap: float | None, *, wanted: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weighted loss of logits (R, V), which are used up, and its derivative by them: weight · (softmax − one-hot)."""
    bend = None
    if softcap is not None:
        logits.div_(softcap).tanh_()
        bend = (1 - logits.square()) if wanted else None
        logits.mul_(softcap)
    target = targets[:, None]
    chosen = logits.gather(1, target)
    top = logits.amax(1, keepdim=True)
    sums = logits.sub_(top).exp_().sum(1, keepdim=True)
    loss = ((sums.log() + top - chosen).squeeze(1) * weights).sum()
    if not wanted:
        return loss, None
    slope = logits.mul_(weights[:, None] / sums).scatter_add_(1, target, -weights[:, None])
    return loss, slope if bend is None else slope.mul_(bend)
