"""Loads a model folder."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from afina.bases.folder import check_folder
from afina.errors import ModelError, in_short


def load_base(folder: Path) -> Any:
    """The model in float32: on CPUs without native bf16 a bf16 matrix product is hundreds of times slower.

    Raises:
        ModelError: the folder does not load.
    """
    from transformers import AutoModelForCausalLM  # 1.5 s more than torch: only where a model is loaded

    check_folder(folder)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ModelError(f"{folder}: the model does not load: {in_short(exc)}") from exc
    model, found = loaded
    if found["missing_keys"]:  # the library would fill them with random numbers and say so in a warning
        some = sorted(found["missing_keys"])
        raise ModelError(
            f"{folder}: {len(some)} weights are missing, {some[0]} among them",
            remedy="pull the model again; a head that shares the embedding needs tie_word_embeddings in config.json",
        )
    for name, weight in model.named_parameters():
        require_finite(folder, name, weight)
    model.config.use_cache = False
    return model


def require_finite(folder: Path, name: str, weight: torch.Tensor) -> None:
    """Refuse weights that are not numbers: every answer and every gradient would be none either.

    The sum is one pass without a copy; only where it is no number (or a float16 sum overflows) is every term looked at.

    Raises:
        ModelError: some are not; names the tensor.
    """
    if not bool(torch.isfinite(weight.detach().sum())) and (broken := int((~torch.isfinite(weight)).sum())):
        raise ModelError(f"{folder}: {broken} numbers of {name} are NaN or infinite", remedy="pull the model again")
