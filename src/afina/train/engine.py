"""A transformers model with PEFT adapters, made to train packed examples exactly and without waste.

The model's own classes stay and so do PEFT's parameters and file format; what changes is how some modules compute:
attention by segments, LoRA linear layers, gated MLPs and norms by `kernels`, the head by `loss`. Whatever is not
recognised computes as before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import Linear as PeftLinear
from torch import nn
from torch.nn import functional

from afina.errors import TrainError
from afina.train.kernels import (
    GELU,
    GELU_TANH,
    SILU,
    Activation,
    FrozenLinear,
    GatedDown,
    LoraLinear,
    LoraPair,
    RmsNorm,
    apply,
)
from afina.train.loss import SupervisedLoss
from afina.train.packing import Packed, Part
from afina.train.segments import NAME, KeysValues, Layout
from afina.train.storage import Weight, stored

ACTIVATIONS = {"silu": SILU, "swish": SILU, "gelu_pytorch_tanh": GELU_TANH, "gelu": GELU}
ADAPTER = "default"
Forward = Callable[[torch.Tensor], torch.Tensor]


@dataclass(slots=True)
class Frame:
    """What the modules of one model look up during a pass. `rows` are those whose last state is used; None: all."""

    rows: torch.Tensor | None = None


class Engine:
    """Losses and gradients of packed examples.

    Raises:
        TrainError: the architecture bends its logits or its attention in a way this engine does not know.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.network = model.get_base_model()
        self.config = self.network.config
        self.frame = Frame()
        refuse_unknown(self.config)
        self.network.set_attn_implementation(NAME)
        self.decoder = self.network.get_decoder()
        install(self.decoder, self.config, self.frame)
        self.head = self.network.get_output_embeddings()
        self.softcap: float | None = getattr(self.config, "final_logit_softcapping", None)

    def loss(self, part: Part) -> torch.Tensor:
        """Summed cross-entropy (nats) of all supervised tokens, each counted once per example. For evaluation."""
        if isinstance(part, Packed):
            return self.loss_of(self.states(part, self.layout(part)), part)
        layout = self.layout(part.prefix)
        layout.kept = {}
        total = self.loss_of(self.states(part.prefix, layout), part.prefix)
        for branch in part.rest:
            follower = self.layout(branch, past=len(part.prefix.ids), given=layout.kept)
            total = total + self.loss_of(self.states(branch, follower), branch)
        return total

    def backward(self, part: Part, share: float) -> float:
        """Accumulate the gradients of `share` times the loss. Returns that loss.

        A shared prefix runs once; its keys and values gather the gradients of all that follows before one backward pass
        through it, so that no more than the prefix and one branch is in memory.
        """
        if isinstance(part, Packed):
            loss = self.loss(part) * share
            loss.backward()
            return float(loss.detach())
        layout = self.layout(part.prefix)
        layout.kept = {}
        loss = self.loss_of(self.states(part.prefix, layout), part.prefix) * share
        kept = dict(layout.kept)  # a recomputing backward pass writes the dict again
        leaves = {at: (k.detach().requires_grad_(), v.detach().requires_grad_()) for at, (k, v) in kept.items()}
        total = float(loss.detach())
        for branch in part.rest:
            follower = self.layout(branch, past=len(part.prefix.ids), given=leaves)
            one = self.loss_of(self.states(branch, follower), branch) * share
            one.backward()
            total += float(one.detach())
        self.layout(part.prefix)  # recomputed layers look up the rows of this pass
        roots = [tensor for pair in kept.values() for tensor in pair]
        slopes = [leaf.grad for pair in leaves.values() for leaf in pair]
        pairs = [
            (root, slope) for root, slope in zip(roots, slopes, strict=True) if slope is not None and root.requires_grad
        ]
        if loss.requires_grad:
            pairs.append((loss, torch.ones(())))
        torch.autograd.backward([root for root, _ in pairs], [slope for _, slope in pairs])
        return total

    def layout(self, packed: Packed, *, past: int = 0, given: dict[int, KeysValues] | None = None) -> Layout:
        """The attention's view of a pack; notes which rows the last layer owes."""
        rows = packed.rows.unique()
        needed = torch.zeros(len(packed.ids), dtype=torch.bool)
        needed[rows] = True
        self.frame.rows = rows if len(rows) < len(packed.ids) else None
        return Layout(packed.segments, needed, past=past, given=given or {})

    def states(self, packed: Packed, layout: Layout) -> torch.Tensor:
        """Last hidden states (T, h)."""
        out = self.decoder(
            input_ids=packed.ids[None], position_ids=packed.positions[None], use_cache=False, layout=layout
        )
        hidden: torch.Tensor = out.last_hidden_state[0]
        return hidden

    def loss_of(self, hidden: torch.Tensor, packed: Packed) -> torch.Tensor:
        """The loss of the packed rows' states."""
        if not len(packed.rows):
            return hidden.new_zeros(())
        rows = hidden.index_select(0, packed.rows)
        if isinstance(self.head, nn.Linear) and not self.head.weight.requires_grad:
            return apply(
                SupervisedLoss, rows, stored(self.head), self.head.bias, packed.targets, packed.weights, self.softcap
            )
        logits = self.head(rows)
        if self.softcap is not None:
            logits = torch.tanh(logits / self.softcap) * self.softcap
        return (functional.cross_entropy(logits, packed.targets, reduction="none") * packed.weights).sum()


def refuse_unknown(config: Any) -> None:
    """Stop where the model would silently learn something else.

    Raises:
        TrainError: the configuration scales its logits or drops attention weights.
    """
    for name in ("logit_scale", "logits_scaling"):
        if getattr(config, name, None) not in (None, 1, 1.0):
            raise TrainError(f"{config.model_type}: {name} is not supported")
    if getattr(config, "attention_dropout", 0.0):
        raise TrainError(
            f"{config.model_type}: attention_dropout = {config.attention_dropout} is not supported",
            remedy="set attention_dropout to 0 in the model's config.json",
        )


def install(decoder: Any, config: Any, frame: Frame) -> None:
    """Let the decoder's modules compute by this engine's kernels."""
    activation = ACTIVATIONS.get(
        getattr(config, "hidden_activation", None) or getattr(config, "hidden_act", None) or ""
    )
    for module in decoder.modules():
        if isinstance(module, PeftLinear):
            replace(module, lora_forward(module))
        elif hasattr(module, "stored") and isinstance(module, nn.Linear):
            replace(module, frozen_forward(module))
        elif hasattr(module, "stored") and isinstance(module, nn.Embedding):
            replace(module, lookup_forward(module))
        elif type(module).__name__.endswith("RMSNorm"):
            install_norm(module)
    for module in decoder.modules():
        if activation is not None and hasattr(module, "down_proj"):
            install_mlp(module, activation)
    last = decoder.layers[-1]
    for name in ("q_proj", "o_proj"):
        if (found := getattr(last.self_attn, name, None)) is not None:
            found.forward = only_rows(found.forward, frame)
    last.mlp.forward = only_rows(last.mlp.forward, frame)


def replace(module: Any, forward: Forward) -> None:
    """Let one module compute otherwise; its parameters and their names stay."""
    module.forward = forward


def only_rows(forward: Forward, frame: Frame) -> Forward:
    """Compute the frame's rows; the others are zero and nobody reads them."""

    def run(x: torch.Tensor) -> torch.Tensor:
        if frame.rows is None:
            return forward(x)
        y = forward(x.index_select(1, frame.rows))
        return y.new_zeros(x.shape[0], x.shape[1], y.shape[2]).index_copy(1, frame.rows, y)

    return run


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a LoRA layer computes with."""

    a: torch.Tensor
    b: torch.Tensor
    weight: Weight
    bias: torch.Tensor | None
    scale: float
    kept: torch.Tensor | None


def adapter(module: PeftLinear, x: torch.Tensor) -> Adapter:
    """The layer's parts, with a fresh dropout mask while it trains."""
    base: Any = module.get_base_layer()
    dropout = module.lora_dropout[ADAPTER]
    kept = None
    if module.training and (p := float(getattr(dropout, "p", 0.0))):
        kept = torch.empty_like(x).bernoulli_(1 - p).div_(1 - p)
    a: Any = module.lora_A[ADAPTER]
    b: Any = module.lora_B[ADAPTER]
    return Adapter(
        a.weight,
        b.weight,
        stored(base),
        base.bias,
        float(module.scaling[ADAPTER]),
        kept,
    )


def lora_forward(module: PeftLinear) -> Forward:
    """PEFT's LoRA linear layer by `LoraLinear`."""

    def run(x: torch.Tensor) -> torch.Tensor:
        flat = x.reshape(-1, x.shape[-1])
        part = adapter(module, flat)
        y = apply(LoraLinear, flat, part.a, part.b, part.weight, part.bias, part.scale, part.kept)
        return y.view(*x.shape[:-1], y.shape[-1])

    return run


def frozen_forward(module: Any) -> Forward:
    """A linear layer without adapter, its matrix stored in fewer bits."""

    def run(x: torch.Tensor) -> torch.Tensor:
        y = apply(FrozenLinear, x.reshape(-1, x.shape[-1]), module.stored, module.bias)
        return y.view(*x.shape[:-1], y.shape[-1])

    return run


def lookup_forward(module: Any) -> Forward:
    """Word vectors out of a stored matrix; Gemma scales them."""

    def run(ids: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = module.stored.lookup(ids)
        return found * getattr(module, "embed_scale", 1.0)

    return run


def install_mlp(module: Any, activation: Activation) -> None:
    """A gated MLP, its projections separate or joined, by `GatedDown`."""
    joined, down = getattr(module, "gate_up_proj", None), module.down_proj
    if not isinstance(down, PeftLinear) or (joined is None and not hasattr(module, "gate_proj")):
        return

    def run(x: torch.Tensor) -> torch.Tensor:
        gate, up = joined(x).chunk(2, dim=-1) if joined is not None else gate_and_up(module, x)
        gate, up = (part.reshape(-1, part.shape[-1]) for part in (gate, up))
        part = adapter(down, gate)
        y = apply(GatedDown, gate, up, part.a, part.b, part.weight, part.bias, part.scale, part.kept, activation)
        return y.view(*x.shape[:-1], y.shape[-1])

    module.forward = run


def gate_and_up(module: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both projections of x, in one pass over it where they may share it."""
    gate, up = module.gate_proj, module.up_proj
    if not (isinstance(gate, PeftLinear) and isinstance(up, PeftLinear)):
        return gate(x), up(x)
    flat = x.reshape(-1, x.shape[-1])
    if gate.training and float(getattr(gate.lora_dropout[ADAPTER], "p", 0.0)):
        return gate(x), up(x)
    one, two = adapter(gate, flat), adapter(up, flat)
    pair: Any = LoraPair  # torch leaves `apply` untyped
    found: tuple[torch.Tensor, torch.Tensor] = pair.apply(
        flat, one.a, one.b, two.a, two.b, (one.weight, two.weight), (one.bias, two.bias), (one.scale, two.scale)
    )
    return found


def install_norm(module: Any) -> None:
    """An RMSNorm by `RmsNorm`, if it is one: families differ in whether the weight is w or 1 + w."""
    if module.weight.requires_grad:
        return
    eps = float(getattr(module, "variance_epsilon", getattr(module, "eps", 0.0)))
    probe = torch.linspace(-1, 1, module.weight.numel())
    with torch.no_grad():
        expected = module(probe)
        for weight in (module.weight.detach(), 1 + module.weight.detach()):
            if torch.allclose(apply(RmsNorm, probe, weight, eps), expected, rtol=1e-5, atol=1e-6):
                module.forward = norm_forward(weight, eps)
                return


def norm_forward(weight: torch.Tensor, eps: float) -> Forward:
    """The norm with its weight fixed."""

    def run(x: torch.Tensor) -> torch.Tensor:
        return apply(RmsNorm, x, weight, eps)

    return run


def backward(engine: Engine, parts: Sequence[Part]) -> float:
    """Accumulate the gradient of the mean loss over all supervised tokens of a step. Returns that loss."""
    supervised = sum(part.supervised for part in parts)
    return sum(engine.backward(part, 1 / supervised) for part in parts)


@torch.no_grad()
def mean_loss(engine: Engine, parts: Sequence[Part]) -> float:
    """Nats per supervised token."""
    return sum(float(engine.loss(part)) for part in parts) / sum(part.supervised for part in parts)
