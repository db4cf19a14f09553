"""A GGUF as the base of a training: its matrices stay in the file, in their quantised blocks, and are decoded one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gguf import GGMLQuantizationType

from afina.errors import ModelError, in_short
from afina.runtime.ggml import decode
from afina.runtime.gguf_model import empty_model, parameters_of, tensors_of
from afina.train.lean import share_head
from afina.train.storage import PART_BYTES, SCRATCH, Scratch, attach, cuts

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
        return self.ordered(0, len(self.rows))

    def ordered(self, first: int, end: int) -> torch.Tensor:
        """Rows first:end in the model's order; both lie between heads."""
        found = self.decode(first, end, SCRATCH.of(end - first, self.columns))
        if not self.heads:
            return found
        half = len(self.rows) // self.heads // 2
        out = ORDERED.of(end - first, self.columns)
        out.view(-1, 2, half, self.columns).copy_(found.view(-1, half, 2, self.columns).transpose(1, 2))
        return out

    def parts(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Decoded part by part, heads whole."""
        whole = len(self.rows) // self.heads if self.heads else 1
        for first, end in cuts(self.shape, size=PART_BYTES, whole=whole):
            yield first, end, self.ordered(first, end)

    def lookup(self, rows: torch.Tensor) -> torch.Tensor:
        """Row by row: a prompt has few different tokens. Only word vectors are looked up, which have no heads."""
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
    model, known = empty_model(path)
    places = parameters_of(model)
    try:
        for parameter, found in tensors_of(model, path, known).items():
            module, attribute = places[parameter]
            if found.is_matrix:
                attach(module, Blocks(found.tensor.kind, found.tensor.rows(path), found.tensor.shape[1], found.heads))
            value = torch.empty(0) if found.is_matrix else found.dense()
            setattr(module, attribute, torch.nn.Parameter(value, requires_grad=False))
    except (OSError, RuntimeError, ValueError) as exc:
        raise ModelError(f"{path}: the model does not load: {in_short(exc)}") from exc
    if model.config.tie_word_embeddings:
        share_head(model)
    return model.requires_grad_(requires_grad=False)
