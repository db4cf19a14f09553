"""An adapter merged into the GGUF that it was trained on: the same file with other bytes in the matrices that were tuned.

Matrix by matrix: decoded, changed, encoded into the type that it had. Nothing else of the file is touched, so its tokenizer, template
and keys are the base's own, and memory holds one matrix at a time.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType
from gguf.quants import quantize
from safetensors import SafetensorError
from safetensors.torch import load_file

from afina.bases.folder import require_same_base
from afina.errors import ModelError, in_short
from afina.export.ggml import encode
from afina.runtime.gguf_model import Found, in_files_order, matrices
from afina.store.paths import disk_errors, read_json

Kind = GGMLQuantizationType
PREFIX, A, B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
HEAD, WORDS = "lm_head", "embed_tokens"
WORDS_A, WORDS_B = ".lora_embedding_A", ".lora_embedding_B"
"""How PEFT names the matrices of an adapter; on word vectors both are the other way round."""
WRITTEN_BY_PACKAGE = frozenset({Kind.BF16})
"""Types that ggml's quantiser is not asked for."""


def merge_into_gguf(base: Path, adapter: Path | None, out: Path) -> int:
    """Write `out` (the caller renames it into place). Returns how many matrices were changed.

    Raises:
        ModelError: the adapter is missing, damaged, of another base, or on something that the file does not have.
    """
    with disk_errors(out):
        shutil.copyfile(base, out)
    if adapter is None:
        return 0
    places = matrices(base)
    factors = read_adapter(base, adapter)
    require_places(adapter, factors, places, base)
    with disk_errors(out), out.open("r+b") as file:
        for name, found in factors.items():
            file.seek(places[name].tensor.offset)
            file.write(merged(places[name], found.change()).tobytes())
    return len(factors)


def require_places(adapter: Path, factors: dict[str, "Factors"], places: dict[str, Found], base: Path) -> None:
    """Refuse an adapter on something that the file does not have, or that is two things in it.

    Raises:
        ModelError: it is.
    """
    if unknown := sorted(factors.keys() - places.keys()):
        raise ModelError(f"{adapter}: the adapter is on {unknown[0]}, which {base.name} does not have")
    if HEAD not in places and (apart := [name for name in factors if name.endswith(WORDS)]):
        raise ModelError(
            f"{adapter}: the adapter is on {apart[0]}, which is also the head of {base.name}",
            remedy="train without word vectors (lora.target_modules), or on the model's Hugging Face folder",
        )


def merged(place: Found, change: torch.Tensor) -> np.ndarray[Any, np.dtype[Any]]:
    """A matrix with a change (out, in) added, in the type and the order of rows that the file has."""
    kind = place.tensor.kind
    dense = in_files_order(place.dense() + change, place.heads).contiguous().numpy()
    return quantize(dense, kind) if kind in WRITTEN_BY_PACKAGE else encode(dense, kind)


@dataclass(frozen=True, slots=True)
class Factors:
    """What LoRA adds to a matrix: scale · B A, with A (rank, in) and B (out, rank), float32."""

    a: torch.Tensor
    b: torch.Tensor
    scale: float

    def change(self) -> torch.Tensor:
        """(out, in)"""
        return self.scale * self.b @ self.a


def read_adapter(base: Path, adapter: Path) -> dict[str, Factors]:
    """Matrix → what a PEFT adapter adds to it.

    Raises:
        ModelError: see `merge_into_gguf`.
    """
    if not (adapter / "adapter_config.json").is_file():
        raise ModelError(
            f"{adapter}: no adapter here (adapter_config.json)", remedy="name the folder that `afina train` wrote"
        )
    require_same_base(adapter, base)
    try:
        config = read_json(adapter / "adapter_config.json")
        weights = load_file(adapter / "adapter_model.safetensors")
        scale = config["lora_alpha"] / (config["r"] ** (0.5 if config.get("use_rslora") else 1))
        names = [name.removesuffix(A) for name in weights if name.endswith(A)]
        words = [name.removesuffix(WORDS_A) for name in weights if name.endswith(WORDS_A)]
        if len(weights) != 2 * len(names + words) or config.get("rank_pattern") or config.get("alpha_pattern"):
            raise ModelError(
                f"{adapter}: it holds more than LoRA matrices of one rank", remedy="merge it with the tool that made it"
            )
        pairs = {name: (weights[name + A], weights[name + B]) for name in names}
        pairs |= {name: (weights[name + WORDS_B].t(), weights[name + WORDS_A].t()) for name in words}
        return {
            name.removeprefix(PREFIX): Factors(a.float(), b.float(), float(scale)) for name, (a, b) in pairs.items()
        }
    except (OSError, KeyError, TypeError, ValueError, json.JSONDecodeError, SafetensorError) as exc:
        raise ModelError(f"{adapter}: the adapter does not fit {base.name}: {in_short(exc)}") from exc
