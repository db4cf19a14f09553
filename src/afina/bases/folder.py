"""Finds base models: the built-in one, a local folder, or a hub id that was pulled before."""

import json
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from afina.bases import semilla
from afina.errors import ModelError


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
    names = (
        sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        if index.is_file()
        else ["model.safetensors"]
    )
    for name in names:
        file = folder / name
        if not file.is_file():
            raise ModelError(
                f"{folder}: {name} is missing",
                remedy="pull the model again; pickle checkpoints (*.bin) are refused because they can run code",
            )
        if file.stat().st_size == 0:
            raise ModelError(f"{file}: the file is empty", remedy="pull the model again")
