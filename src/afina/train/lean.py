"""Load a base straight into its stored form, tensor by tensor: the whole model never exists in float32."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from afina.bases.folder import check_folder, weight_files
from afina.bases.load import require_finite
from afina.errors import ModelError, in_short
from afina.runtime.gguf_model import parameters_of
from afina.train.storage import attach, store

HEAD = "lm_head.weight"


def load_lean(folder: Path, kind: str) -> Any:
    """The model with every linear layer and the word vectors stored as `kind` in `module.stored`, the rest in float32.

    Raises:
        ModelError: the folder does not load, weights are missing, or a checkpoint's names are not this architecture's.
    """
    check_folder(folder)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with init_empty_weights(include_buffers=False):
            model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.tie_weights()
        wanted = parameters_of(model)
        if config.tie_word_embeddings:
            require_tied(folder)
            wanted.pop(HEAD, None)
        for name, tensor in tensors(folder):
            require_finite(folder, name, tensor)
            fill(wanted.pop(name, None), tensor, kind)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ModelError(f"{folder}: the model does not load: {in_short(exc)}") from exc
    if config.tie_word_embeddings:
        share_head(model)
    if wanted:
        raise ModelError(
            f"{folder}: {len(wanted)} weights are missing, {min(wanted)} among them",
            remedy='set training.base_storage = "float32", which reads checkpoints with other names too',
        )
    model.config.use_cache = False
    return model.requires_grad_(requires_grad=False)


def tensors(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor of the checkpoint. The file is opened for each anew: its pages count as this process's memory while it is
    mapped, and all of it would stay so until the last tensor was read.
    """
    for name in weight_files(folder):
        with safe_open(folder / name, framework="pt") as file:
            keys = list(file.keys())
        for key in keys:
            with safe_open(folder / name, framework="pt") as file:
                tensor = file.get_tensor(key)
            yield key, tensor
            del tensor


def require_tied(folder: Path) -> None:
    """Some checkpoints hold a tied head a second time; transformers unties it where the two differ, and so must nobody
    train with the word vectors in its place.

    Raises:
        ModelError: their first rows differ.
    """
    rows = {}
    for name in weight_files(folder):
        with safe_open(folder / name, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - a file is no mapping
                if key == HEAD or key.endswith("embed_tokens.weight"):
                    rows[key == HEAD] = file.get_slice(key)[:64]
    if len(rows) == 2 and not torch.equal(rows[True], rows[False]):
        raise ModelError(
            f"{folder}: the head is not the word vectors, though config.json ties them",
            remedy="set tie_word_embeddings to false in the model's config.json",
        )


def fill(place: tuple[Any, str] | None, tensor: torch.Tensor, kind: str) -> None:
    """Put one tensor where it belongs; matrices in their stored form.

    PEFT reads sizes from the layer and device and type from its weight, which therefore becomes an empty float32 one.
    """
    if place is None:  # a head saved beside the embedding it shares, or a buffer that newer code computes
        return
    module, name = place
    if name == "weight" and isinstance(module, nn.Linear | nn.Embedding):
        if tuple(tensor.shape) != tuple(module.weight.shape):
            raise ValueError(f"a matrix is {tuple(tensor.shape)}, its configuration says {tuple(module.weight.shape)}")
        attach(module, store(tensor, kind))
        tensor = torch.empty(0)
    setattr(module, name, nn.Parameter(tensor.float(), requires_grad=False))


def share_head(model: Any) -> None:
    """Let a tied head use the word vectors' stored matrix."""
    head, words = model.get_output_embeddings(), model.get_input_embeddings()
    attach(head, words.stored)
    head.weight = words.weight
