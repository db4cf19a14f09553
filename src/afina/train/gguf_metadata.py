"""A GGUF's configuration in Hugging Face's words, read by transformers from the file's metadata."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from afina.errors import ModelError
from afina.runtime.gguf_file import check_gguf
from afina.runtime.gguf_header import open_keys

KNOWN = frozenset({"llama", "qwen2", "qwen3", "phi3", "gemma2", "gemma3"})
"""Architectures whose GGUFs are trained here."""


def gguf_config(path: Path) -> dict[str, Any]:
    """The model's configuration in Hugging Face's words.

    Raises:
        ModelError: an architecture that is not trained here.
    """
    return dict(read_metadata(path, path.stat().st_mtime))


@lru_cache(maxsize=4)
def read_metadata(path: Path, modified: float) -> dict[str, Any]:
    """`gguf_config` of one state of a file."""
    del modified
    check_gguf(path)
    with open_keys(path) as keys:
        architecture = keys.text("general.architecture")
    if architecture not in KNOWN:
        raise ModelError(
            f"{path.name}: the architecture {architecture or 'without a name'} is not trained from a GGUF here",
            remedy=f"take one of {', '.join(sorted(KNOWN))}, or the model's Hugging Face folder",
        )
    config = load_gguf_checkpoint(str(path), return_tensors=False)["config"]
    config.pop("_model_name_or_path", None)
    return {**config, "gguf_architecture": architecture}
