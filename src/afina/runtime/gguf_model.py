"""A GGUF as a model of transformers: which tensor is which matrix, and what the family's converter did to it.

Names are mapped by the `gguf` package. What converters change is changed back: llama.cpp keeps the query and key rows of the llama
family in another order, and Gemma's norms with one added.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import MODEL_ARCH_NAMES, get_tensor_name_map
from torch.nn import functional

from afina.errors import ModelError, in_short
from afina.runtime.ggml import decode
from afina.runtime.gguf_config import GgufConfig, gguf_config
from afina.runtime.gguf_file import check_gguf, gguf_facts
from afina.runtime.gguf_header import GgufTensor

HEAD, WORDS = "lm_head.weight", "model.embed_tokens.weight"


@dataclass(frozen=True, slots=True)
class Found:
    """A parameter's tensor in a file. `heads` > 0: the rows of each head are in llama.cpp's order. `added`: it is a norm plus one."""

    path: Path
    tensor: GgufTensor
    heads: int = 0
    added: bool = False

    @property
    def is_matrix(self) -> bool:
        """Whether it has rows."""
        return self.tensor.shape[0] > 1

    def dense(self) -> torch.Tensor:
        """The parameter as the model has it, float32: (out, in), or (n,) of a norm or bias."""
        out = np.empty(self.tensor.shape, np.float32)
        decode(self.tensor.kind, self.tensor.rows(self.path), out)
        found = torch.from_numpy(out)
        if self.is_matrix:
            return in_models_order(found, self.heads)
        return in_models_order(found[0], self.heads) - (1 if self.added else 0)


def in_models_order(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows (out, …) of a file as the model has them: the two halves of every head apart, not in turn."""
    return rows.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2) if heads else rows


def in_files_order(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """The other way round."""
    return rows.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2) if heads else rows


def transformers_config(path: Path, found: GgufConfig) -> Any:
    """The configuration as transformers' object, with `name_or_path` and `stored_bits`, the bits a weight takes in the file."""
    from transformers import AutoConfig  # here, not above: commands that only name an export should not wait for it

    config = AutoConfig.for_model(found.family.model_type, **found.values)
    config.name_or_path = str(path)
    config.stored_bits = 8 * path.stat().st_size / gguf_facts(path).parameters
    return config


def empty_model(path: Path) -> tuple[Any, GgufConfig]:
    """The model without weights, and its configuration.

    Raises:
        ModelError: an unknown architecture, or keys that do not make a model.
    """
    from accelerate import init_empty_weights
    from transformers import AutoModelForCausalLM

    found = gguf_config(path)
    try:
        with init_empty_weights(include_buffers=False):
            model: Any = AutoModelForCausalLM.from_config(transformers_config(path, found), dtype=torch.float32)
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as exc:
        raise ModelError(f"{path}: its keys do not make a model: {in_short(exc)}") from exc
    if found.rope_factors is not None:
        model.model.rotary_emb.inv_freq /= torch.tensor(found.rope_factors)
    model.name_or_path = str(path)
    model.tie_weights()
    model.config.use_cache = False
    return model, found


def parameters_of(model: Any) -> dict[str, tuple[Any, str]]:
    """Parameter name → its module and attribute."""
    return {
        f"{path}.{name}" if path else name: (module, name)
        for path, module in model.named_modules()
        for name, _ in module.named_parameters(recurse=False)
    }


def tensors_of(model: Any, path: Path, known: GgufConfig) -> dict[str, Found]:
    """Parameter of the model → its tensor in the file. A tied head has none.

    Raises:
        ModelError: the file has a tensor that the model lacks, lacks one, or has one of another shape.
    """
    config = model.config
    tensors = {tensor.name: tensor for tensor in check_gguf(path)}
    arch = next(key for key, name in MODEL_ARCH_NAMES.items() if name == known.architecture)
    names = get_tensor_name_map(arch, config.num_hidden_layers)
    found: dict[str, Found] = {}
    for parameter, (module, attribute) in parameters_of(model).items():
        name = names.get_name(parameter, try_suffixes=(".weight", ".bias"))
        tensor = tensors.pop(name, None) if name else None
        if tensor is None and parameter == HEAD and config.tie_word_embeddings:
            continue
        if tensor is None:
            raise ModelError(
                f"{path}: the weights of {parameter} are missing", remedy="take another file of this model"
            )
        wanted = tuple(getattr(module, attribute).shape)
        if tensor.shape != (wanted if len(wanted) > 1 else (1, *wanted)):
            raise ModelError(f"{path}: {tensor.name} is {tensor.shape}, its configuration says {wanted}")
        added = known.family.one_added and len(wanted) == 1 and attribute == "weight"
        heads = heads_of(parameter, config) if known.family.permuted else 0
        found[parameter] = Found(path, tensor, heads, added)
    rest = [name for name in tensors if not name.startswith("rope_f")]
    if rest:
        raise ModelError(f"{path}: {len(rest)} tensors are not of this architecture, {rest[0]} among them")
    return found


def heads_of(parameter: str, config: Any) -> int:
    """How many heads' rows a converter reorders in a parameter; 0 = none."""
    if ".q_proj." in parameter:
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if ".k_proj." in parameter else 0


def matrices(path: Path) -> dict[str, Found]:
    """Linear layer or embedding, by its name in the model → its matrix in the file.

    Raises:
        ModelError: see `tensors_of`.
    """
    model, known = empty_model(path)
    found = tensors_of(model, path, known)
    return {name.removesuffix(".weight"): one for name, one in found.items() if one.is_matrix}


def decoded_model(path: Path) -> Any:
    """The model for comparisons: transformers' own forward pass in float32, every matrix decoded when a product needs it.

    Raises:
        ModelError: see `tensors_of`.
    """
    model, known = empty_model(path)
    places = parameters_of(model)
    try:
        found = tensors_of(model, path, known)
        for parameter, one in found.items():
            module, attribute = places[parameter]
            if one.is_matrix:
                module.forward = from_file(module, one)
            value = torch.empty(0) if one.is_matrix else one.dense()
            setattr(module, attribute, torch.nn.Parameter(value, requires_grad=False))
    except (OSError, RuntimeError, ValueError) as exc:
        raise ModelError(f"{path}: the model does not load: {in_short(exc)}") from exc
    if model.config.tie_word_embeddings:
        head = model.get_output_embeddings()
        head.weight, head.forward = model.get_input_embeddings().weight, from_file(head, found[WORDS])
    return model.requires_grad_(requires_grad=False)


def from_file(module: Any, found: Found) -> Callable[[torch.Tensor], torch.Tensor]:
    """A layer's forward pass with its matrix out of the file. Gemma scales its word vectors."""
    scale = getattr(module, "embed_scale", 1.0)

    def look_up(ids: torch.Tensor) -> torch.Tensor:
        return functional.embedding(ids, found.dense()) * scale

    def multiply(x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, found.dense(), module.bias)

    return look_up if isinstance(module, torch.nn.Embedding) else multiply
