"""A GGUF's configuration in transformers' words, read from the keys that llama.cpp reads: what is trained is what is served."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from afina.errors import ModelError
from afina.runtime.gguf_families import FAMILIES, GgufFamily, GgufFile
from afina.runtime.gguf_file import check_gguf
from afina.runtime.gguf_header import open_keys

NAMES = {
    "num_hidden_layers": "block_count",
    "max_position_embeddings": "context_length",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
}
"""transformers' name → the key, after the architecture."""


HEAD = "output.weight"
WORDS = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class GgufConfig:
    """`values` are what transformers' configuration of `family.model_type` is made with."""

    architecture: str
    family: GgufFamily
    values: dict[str, Any]
    rope_factors: list[float] | None
    """By which each frequency is divided (Llama 3), where the file has them."""


def gguf_config(path: Path) -> GgufConfig:
    """The model's configuration; remembered until the file changes.

    Raises:
        ModelError: no whole GGUF, an architecture that is not trained here, or a key is missing.
    """
    stat = path.stat() if path.is_file() else None
    return read_config(path, stat.st_mtime if stat else 0.0)


@lru_cache(maxsize=4)
def read_config(path: Path, modified: float) -> GgufConfig:
    """`gguf_config` of one state of a file."""
    del modified
    tensors = {tensor.name: tensor for tensor in check_gguf(path)}
    with open_keys(path) as keys:
        file = GgufFile(path, keys.text("general.architecture") or "", keys, tensors)
        family = require_family(file)
        values: dict[str, Any] = {name: file.whole(key) for name, key in NAMES.items()}
        kv_heads = file.number("attention.head_count_kv") or values["num_attention_heads"]
        values["num_key_value_heads"] = int(kv_heads)
        values["rms_norm_eps"] = file.number("attention.layer_norm_rms_epsilon")
        values["vocab_size"] = tensors[WORDS].shape[0]
        values["tie_word_embeddings"] = HEAD not in tensors
        # transformers' defaults name ids that a smaller vocabulary does not have.
        values |= dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
        return GgufConfig(
            architecture=file.architecture,
            family=family,
            values=values | family.more(file),
            rope_factors=file.vector("rope_freqs.weight"),
        )


def require_family(file: GgufFile) -> GgufFamily:
    """The row of a file's architecture.

    Raises:
        ModelError: there is none, or it is a part of a file, a mixture of experts, or has no word vectors.
    """
    family = FAMILIES.get(file.architecture)
    if family is None:
        raise ModelError(
            f"{file.path.name}: the architecture {file.architecture or 'without a name'} is not trained from a GGUF here",
            remedy=f"take one of {', '.join(sorted(FAMILIES))}, or the model's Hugging Face folder",
        )
    if (file.keys.number("split.count") or 1) > 1:
        raise ModelError(
            f"{file.path.name}: a part of a model in several files",
            remedy="name it as it is called (…-00001-of-….gguf): `afina base pull` then joins the parts",
        )
    if file.number("expert_count"):
        raise ModelError(f"{file.path.name}: mixtures of experts are not trained here", remedy="take a dense model")
    if WORDS not in file.tensors:
        raise ModelError(f"{file.path.name}: the file has no word vectors ({WORDS})", remedy="take another file")
    return family
