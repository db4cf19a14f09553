"""Model folders: looked into before they are used."""

import json
import math
from hashlib import blake2b
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from afina.errors import ModelError
from afina.store.paths import MANIFEST, read_json

MARKED_BYTES = 65536
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def check_folder(folder: Path) -> None:
    """Refuse folders that cannot be loaded, by name of what is wrong. Reads headers, no weights.

    Raises:
        ModelError: no or broken config.json, no safetensors weights, a shard missing, cut short or damaged, or weights of
            another size than the configuration says.
    """
    config = read_config(folder)
    names = weight_files(folder)
    shapes: dict[str, tuple[int, ...]] = {}
    for name in names:
        file = folder / name
        if not file.is_file():
            raise ModelError(f"{folder}: {name} is missing", remedy=missing_remedy(folder))
        shapes |= header(file)
    rows = config.get("vocab_size")
    embedding = next((shape for name, shape in shapes.items() if name.endswith("embed_tokens.weight")), None)
    expected = (rows, config.get("hidden_size"))
    if embedding is not None and all(expected) and embedding != expected:
        raise ModelError(
            f"{folder}: config.json says {expected[0]} tokens of {expected[1]} numbers, the weights have {embedding[0]} "
            f"of {embedding[1]}",
            remedy="take config.json and weights from the same model",
        )


def read_config(folder: Path) -> dict[str, Any]:
    """config.json as a mapping.

    Raises:
        ModelError: missing or malformed.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(f"{folder}: no config.json", remedy="name a Hugging Face model folder")
    try:
        config = json.loads(file.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise ModelError(f"{file}: not JSON ({exc})", remedy="pull the model again") from exc
    if not isinstance(config, dict) or not config.get("model_type"):
        raise ModelError(f"{file}: no model_type", remedy="name a Hugging Face model folder")
    return config


def weight_files(folder: Path) -> list[str]:
    """Names of the weight files, by the index where there is one.

    Raises:
        ModelError: the index is malformed.
    """
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return ["model.safetensors"]
    try:
        return sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, AttributeError, TypeError) as exc:
        raise ModelError(f"{index}: not an index of weight files", remedy="pull the model again") from exc


def weights_of(base: Path) -> list[Path]:
    """The files that hold a base's weights: a GGUF is its own."""
    return [base] if base.is_file() else [base / name for name in weight_files(base)]


def missing_remedy(folder: Path) -> str:
    """What to do about missing weights."""
    if any(next(folder.glob(kind), None) for kind in PICKLES):
        return (
            "there is a pickle checkpoint (*.bin, *.pt); it is refused because loading one can run any code: "
            "convert it to safetensors with the library it came from"
        )
    return "pull the model again"


def header(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a safetensors file; the library checks that header and length agree.

    Raises:
        ModelError: empty, cut short or damaged.
    """
    if file.stat().st_size == 0:
        raise ModelError(f"{file}: the file is empty", remedy="pull the model again")
    try:
        with safe_open(file, framework="numpy") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as exc:
        raise ModelError(f"{file}: cut short or damaged ({exc})", remedy="pull the model again") from exc


def count_weights(folder: Path) -> int:
    """How many numbers a model has, by the headers of its weight files.

    Raises:
        ModelError: see `header`.
    """
    return sum(math.prod(shape) for name in weight_files(folder) for shape in header(folder / name).values())


def base_mark(folder: Path) -> str:
    """What tells a base from another of the same shape: a digest of the first, middle and last 64 KiB of its weight files.

    Three places, because a derived model may keep some layers; not the whole, because that is a minute of reading for 15 GB.
    """
    digest = blake2b(digest_size=8)
    for path in weights_of(folder):
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "little"))
        with path.open("rb") as file:
            for at in (0, size // 2, size - MARKED_BYTES):
                file.seek(max(0, at))
                digest.update(file.read(MARKED_BYTES))
    return digest.hexdigest()


def require_same_base(adapter: Path, base: Path) -> None:
    """Refuse an adapter that says it was trained on other weights. One that says nothing (another tool's) passes.

    Raises:
        ModelError: it was.
    """
    manifest = adapter / MANIFEST
    mark = read_json(manifest).get("base_mark") if manifest.is_file() else None
    if mark is not None and mark != base_mark(base):
        raise ModelError(
            f"{adapter}: the adapter was trained on another base than {base}",
            remedy="name the base it was trained on, or train it again on this one",
        )
