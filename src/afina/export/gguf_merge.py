"""An adapter merged into the GGUF that it was trained on: the same file with other bytes in the matrices that were tuned.

Matrix by matrix: decoded, changed, encoded into the type that it had. Nothing else of the file is touched, so its tokenizer, template
and keys are the base's own, and memory holds one matrix at a time.
"""

import json
import shutil
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
PREFIX = "base_model.model."
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
    changes = read_adapter(base, adapter)
    if unknown := sorted(changes.keys() - places.keys()):
        raise ModelError(f"{adapter}: the adapter is on {unknown[0]}, which {base.name} does not have")
    with disk_errors(out), out.open("r+b") as file:
        for name, change in changes.items():
            file.seek(places[name].tensor.offset)
            file.write(merged(places[name], change).tobytes())
    return len(changes)


def merged(place: Found, change: torch.Tensor) -> np.ndarray[Any, np.dtype[Any]]:
    """A matrix with a change (out, in) added, in the type and the order of rows that the file has."""
    kind = place.tensor.kind
    dense = in_files_order(place.dense() + change, place.heads).contiguous().numpy()
    return quantize(dense, kind) if kind in WRITTEN_BY_PACKAGE else encode(dense, kind)


def read_adapter(base: Path, adapter: Path) -> dict[str, torch.Tensor]:
    """Matrix → its change, float32 (out, in), of a PEFT adapter. Nothing that is trained here is left out.

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
        names = [name.removesuffix(".lora_A.weight") for name in weights if name.endswith(".lora_A.weight")]
        if len(weights) != 2 * len(names):
            raise ModelError(
                f"{adapter}: it holds more than LoRA matrices", remedy="merge it with the tool that made it"
            )
        return {
            name.removeprefix(PREFIX): scale
            * weights[f"{name}.lora_B.weight"].float()
            @ weights[f"{name}.lora_A.weight"].float()
            for name in names
        }
    except (OSError, KeyError, TypeError, ValueError, json.JSONDecodeError, SafetensorError) as exc:
        raise ModelError(f"{adapter}: the adapter does not fit {base.name}: {in_short(exc)}") from exc
