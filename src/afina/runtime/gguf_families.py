"""What each architecture of a GGUF is in transformers: a row of `FAMILIES` each, everything else is refused by name.

Sources: llama.cpp's converters and its loaders of hyperparameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afina.errors import ModelError
from afina.runtime.ggml import decode
from afina.runtime.gguf_header import GgufKeys, GgufTensor


@dataclass(frozen=True, slots=True)
class GgufFile:
    """An open file whose keys are looked up by architecture."""

    path: Path
    architecture: str
    keys: GgufKeys
    tensors: dict[str, GgufTensor]

    def number(self, key: str) -> float | None:
        """A number of the architecture; None where the file does not say it."""
        return self.keys.number(f"{self.architecture}.{key}")

    def whole(self, key: str) -> int:
        """A whole number that has to be there.

        Raises:
            ModelError: it is not.
        """
        found = self.number(key)
        if found is None:
            raise ModelError(f"{self.path}: the key {self.architecture}.{key} is missing", remedy="take another file")
        return int(found)

    def vector(self, name: str) -> list[float] | None:
        """A small tensor's numbers."""
        return vector_of(self.path, self.tensors[name]) if name in self.tensors else None


def vector_of(path: Path, tensor: GgufTensor) -> list[float]:
    """A vector's numbers."""
    out = np.empty(tensor.shape, np.float32)
    decode(tensor.kind, tensor.rows(path), out)
    return [float(value) for value in out[0]]


def plain(file: GgufFile) -> dict[str, Any]:
    """What a family without anything of its own adds: head size, rotary embedding, biases."""
    found: dict[str, Any] = {"rope_parameters": rope(file)}
    if (size := file.number("attention.key_length")) is not None:
        found["head_dim"] = int(size)
    if "blk.0.attn_q.bias" in file.tensors and file.architecture == "llama":
        found["attention_bias"] = True
    return found


def rope(file: GgufFile) -> dict[str, Any]:
    """How positions are turned. Llama 3's factors are in a tensor (`rope_freqs`) and are applied to the finished model.

    Raises:
        ModelError: a kind of scaling that is not known here.
    """
    base = {"rope_theta": file.number("rope.freq_base") or 10000.0}
    kind = file.keys.text(f"{file.architecture}.rope.scaling.type") or "none"
    if kind == "none":
        return {"rope_type": "default", **base}
    factor = file.number("rope.scaling.factor") or 1.0
    if kind == "linear":
        return {"rope_type": "linear", "factor": factor, **base}
    if kind == "yarn":
        named = {"beta_fast": "yarn_beta_fast", "beta_slow": "yarn_beta_slow", "attention_factor": "yarn_attn_factor"}
        given = {name: file.number(f"rope.scaling.{key}") for name, key in named.items()}
        original = file.whole("rope.scaling.original_context_length")
        found = {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original, **base}
        return found | {name: value for name, value in given.items() if value is not None}
    raise ModelError(f"{file.path}: rotary embeddings of scaling {kind!r} are not known here")


def ministral(file: GgufFile) -> dict[str, Any]:
    """Yarn without its factor on attention, and queries scaled by their position."""
    found = plain(file)
    scale = file.number("attention.temperature_scale") or 0.0
    multiplier = file.number("rope.scaling.yarn_log_multiplier")
    found["rope_parameters"] |= {"llama_4_scaling_beta": scale}
    if multiplier:
        found["rope_parameters"] |= {"mscale": multiplier, "mscale_all_dim": multiplier}
    return found


def phi3(file: GgufFile) -> dict[str, Any]:
    """Two tables of rotary factors for short and long contexts; a part of each head is turned; a sliding window or none."""
    size = file.whole("embedding_length") // file.whole("attention.head_count")
    found: dict[str, Any] = {"rope_parameters": rope(file)}
    found["rope_parameters"] |= {"partial_rotary_factor": file.whole("rope.dimension_count") / size}
    original = file.number("rope.scaling.original_context_length") or file.whole("context_length")
    found["original_max_position_embeddings"] = int(original)
    found["sliding_window"] = int(file.number("attention.sliding_window") or 0) or None
    short, long = file.vector("rope_factors_short.weight"), file.vector("rope_factors_long.weight")
    if short and long:
        factor = file.number("rope.scaling.attn_factor")
        tables = {"rope_type": "longrope", "short_factor": short, "long_factor": long}
        found["rope_parameters"] |= {**tables, "original_max_position_embeddings": int(original)}
        found["rope_parameters"] |= {"attention_factor": factor} if factor is not None else {}
    return found


def gemma(file: GgufFile) -> dict[str, Any]:
    """Sliding windows, caps on logits, and queries scaled by the head's size; in the 27B models by the hidden size's share."""
    size = file.whole("attention.key_length")
    large = {"gemma2": 46, "gemma3": 62}[file.architecture] == file.whole("block_count")
    share = file.whole("embedding_length") // file.whole("attention.head_count")
    found: dict[str, Any] = {
        "head_dim": size,
        "query_pre_attn_scalar": share if large else size,
        "sliding_window": file.whole("attention.sliding_window"),
        "rope_parameters": rope(file),
    }
    for name in ("attn_logit_softcapping", "final_logit_softcapping"):
        found[name] = file.number(name)
    if file.architecture == "gemma3":
        local = file.number("rope.freq_base_swa") or 10000.0
        turned = {"rope_type": "default", "rope_theta": local}
        found["rope_parameters"] = {"full_attention": rope(file), "sliding_attention": turned}
    return found


@dataclass(frozen=True, slots=True)
class GgufFamily:
    """What an architecture is in transformers, and what its converter did: `permuted` = query and key rows reordered for llama.cpp's
    rotary embedding; `one_added` = to the norms' weights."""

    model_type: str
    more: Callable[[GgufFile], dict[str, Any]] = plain
    permuted: bool = False
    one_added: bool = False


FAMILIES = {
    "llama": GgufFamily("llama", permuted=True),
    "mistral3": GgufFamily("ministral3", ministral, permuted=True),
    "qwen2": GgufFamily("qwen2"),
    "qwen3": GgufFamily("qwen3"),
    "phi3": GgufFamily("phi3", phi3),
    "gemma2": GgufFamily("gemma2", gemma, one_added=True),
    "gemma3": GgufFamily("gemma3_text", gemma, one_added=True),
}
"""Architectures whose GGUFs are trained here; mistral files call themselves llama."""
