"""A GGUF as the base of a training: its matrices stay in the file, in their quantised blocks, and are decoded one at a time.

The configuration comes from the file's metadata, read by transformers; names are mapped by the `gguf` package. What a family's
converter changed is changed back: llama.cpp stores the query and key rows of the llama family in another order, and Gemma's norms
with one added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate import init_empty_weights
from gguf import MODEL_ARCH_NAMES, GGMLQuantizationType, get_tensor_name_map
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from afina.errors import ModelError, in_short
from afina.runtime.ggml import decode
from afina.runtime.gguf_file import check_gguf
from afina.runtime.gguf_header import GgufTensor
from afina.train.gguf_metadata import gguf_config
from afina.train.lean import modules_by_name, share_head
from afina.train.storage import PART_BYTES, SCRATCH, Scratch, attach, cuts

PERMUTED = frozenset({"llama"})
"""Architectures whose converter reorders query and key rows for llama.cpp's rotary embedding (mistral is one of them)."""
ONE_ADDED = frozenset({"gemma", "gemma2", "gemma3"})
"""Architectures whose converter adds one to the norms' weights."""
ORDERED = Scratch(torch.float32)
"""Into which rows are put back into their order."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix in a GGUF. `rows` (out, bytes of a row) is mapped; `heads` > 0: the rows of each head are in llama.cpp's order."""

    kind: GGMLQuantizationType
    rows: npt.NDArray[np.uint8]
    columns: int
    heads: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)"""
        return (len(self.rows), self.columns)

    def decode(self, first: int, end: int, out: torch.Tensor) -> torch.Tensor:
        """Rows first:end as they lie in the file into out (end − first, in)."""
        decode(self.kind, self.rows[first:end], out.numpy())
        return out

    def dense(self) -> torch.Tensor:
        """Decoded, rows in the model's order."""
        found = self.decode(0, len(self.rows), SCRATCH.of(*self.shape))
        if not self.heads:
            return found
        pairs = found.view(self.heads, -1, 2, self.columns).transpose(1, 2)
        out = ORDERED.of(*self.shape)
        out.view(self.heads, 2, -1, self.columns).copy_(pairs)
        return out

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Decoded part by part; a matrix with heads is small and comes whole."""
        if self.heads:
            yield 0, len(self.rows), self.dense()
            return
        for first, end in cuts(self.shape, size=PART_BYTES):
            yield first, end, self.decode(first, end, SCRATCH.of(end - first, self.columns))

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """Row by row: a prompt has few different tokens."""
        different, where = rows.unique(return_inverse=True)
        table = torch.empty(len(different), self.columns)
        for at, row in enumerate(different.tolist()):
            self.decode(row, row + 1, table[at : at + 1])
        return table[where]


def load_gguf(path: Path) -> Any:
    """The model with every matrix in its blocks, mapped, in `module.stored`; norms and biases in float32.

    Raises:
        ModelError: an unknown architecture, a missing tensor, or one of another shape.
    """
    found = gguf_config(path)
    architecture = found.pop("gguf_architecture")
    try:
        config = AutoConfig.for_model(**found)
        with init_empty_weights(include_buffers=False):
            model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.name_or_path = str(path)
        model.tie_weights()
        fill(model, config, path, architecture)
    except (OSError, ValueError, KeyError, RuntimeError) as exc:
        raise ModelError(f"{path}: the model does not load: {in_short(exc)}") from exc
    if config.tie_word_embeddings:
        share_head(model)
    model.config.use_cache = False
    return model.requires_grad_(requires_grad=False)


def fill(model: Any, config: Any, path: Path, architecture: str) -> None:
    """Put every tensor of the file where it belongs.

    Raises:
        ModelError: the file has a tensor that the model lacks, or lacks one.
    """
    tensors = {tensor.name: tensor for tensor in check_gguf(path)}
    arch = next(key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(arch, config.num_hidden_layers)
    for parameter, (module, attribute) in modules_by_name(model).items():
        name = names.get_name(parameter, try_suffixes=(".weight", ".bias"))
        tensor = tensors.pop(name, None) if name else None
        if tensor is None and parameter == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if tensor is None:
            raise ModelError(
                f"{path}: the weights of {parameter} are missing", remedy="take another file of this model"
            )
        found = Found(path, tensor, heads_of(parameter, config, architecture), added=architecture in ONE_ADDED)
        put(module, attribute, found)
    rest = [name for name in tensors if not name.startswith("rope_freqs")]
    if rest:
        raise ModelError(f"{path}: {len(rest)} tensors are not of this architecture, {rest[0]} among them")


def heads_of(parameter: str, config: Any, architecture: str) -> int:
    """How many heads' rows are reordered in a parameter; 0 = none."""
    if architecture not in PERMUTED:
        return 0
    if ".q_proj." in parameter:
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if ".k_proj." in parameter else 0


@dataclass(frozen=True, slots=True)
class Found:
    """A tensor of a file, and what its family's converter did to it."""

    path: Path
    tensor: GgufTensor
    heads: int
    added: bool


def put(module: Any, attribute: str, found: Found) -> None:
    """One tensor into its module; a matrix stays in the file."""
    tensor, rows = found.tensor, found.tensor.rows(found.path)
    if attribute == "weight" and isinstance(module, nn.Linear | nn.Embedding):
        if tensor.shape != tuple(module.weight.shape):
            raise ValueError(f"a matrix is {tensor.shape}, its configuration says {tuple(module.weight.shape)}")
        attach(module, Blocks(tensor.kind, rows, tensor.shape[1], found.heads))
        value = torch.empty(0)
    else:
        out = np.empty(tensor.shape, np.float32)
        decode(tensor.kind, rows, out)
        value = in_order(torch.from_numpy(out[0]), found.heads)
        value -= 1 if found.added and attribute == "weight" else 0
    setattr(module, attribute, nn.Parameter(value, requires_grad=False))


def in_order(bias: torch.Tensor, heads: int) -> torch.Tensor:
    """A bias of reordered rows, in the model's order."""
    return bias.view(heads, -1, 2).transpose(1, 2).reshape(-1) if heads else bias
