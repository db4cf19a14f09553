"""Finds and loads base models: the built-in one, a local folder, or a hub id that was pulled before."""

import json
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from peft import LoraConfig, get_peft_model
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM

from afina import semilla
from afina.errors import ModelError, TrainError
from afina.settings import LoraSettings


def resolve_base(name: str) -> Path:
    """The local folder of a base model.

    Raises:
        ModelError: it is not here; says how to get it.
    """
    if name == semilla.NAME:
        folder = semilla.FOLDER
    elif Path(name).is_dir():
        folder = Path(name).resolve()
    else:
        try:
            folder = Path(snapshot_download(name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError, OSError) as exc:
            raise ModelError(
                f"{name}: neither `semilla`, nor a folder, nor a model pulled before",
                remedy=f"run `afina base pull {name}` where there is a network, or name a local folder",
            ) from exc
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Refuse folders that cannot be loaded, by name of what is missing.

    Raises:
        ModelError: no config, no safetensors weights, a shard missing, or an empty file.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no config.json", remedy="name a Hugging Face model folder")
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    else:
        names = ["model.safetensors"]
    for name in names:
        file = folder / name
        if not file.is_file():
            raise ModelError(
                f"{folder}: {name} is missing",
                remedy="pull the model again; pickle checkpoints (*.bin) are refused because they can run code",
            )
        if file.stat().st_size == 0:
            raise ModelError(f"{file}: the file is empty", remedy="pull the model again")


def load_base(folder: Path) -> Any:
    """The model in float32: on CPUs without native bf16 a bf16 matrix product is hundreds of times slower.

    Raises:
        ModelError: the folder does not load.
    """
    check_folder(folder)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ModelError(f"{folder}: the model does not load: {str(exc).splitlines()[0]}") from exc
    model.config.use_cache = False
    return model


def add_adapter(model: Any, lora: LoraSettings, *, base: str) -> Any:
    """Freeze the base and add a LoRA adapter.

    Raises:
        TrainError: none of the named modules exists in this architecture.
    """
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=list(lora.target_modules),
        bias=lora.bias,
        task_type=lora.task_type,
        base_model_name_or_path=base,
    )
    try:
        return get_peft_model(model, config)
    except ValueError as exc:
        raise TrainError(
            f"no adapter can be added: {str(exc).splitlines()[0]}",
            remedy="set lora.target_modules to names of linear layers of this architecture",
        ) from exc
