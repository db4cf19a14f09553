"""What a base brings of its own: training settings that suit it, laid under those of the recipe."""

import tomllib
from pathlib import Path
from typing import Any

from afina.bases import resolve_base, semilla
from afina.bases.folder import count_weights
from afina.errors import AfinaError, SettingsError
from afina.runtime import gguf_facts

FILE = "train.toml"
SMALL = Path(__file__).with_name("small_base.toml")
SMALL_WEIGHTS = 0.5e9


def base_layer(model: str) -> dict[str, Any]:
    """The sections that a base brings: those of `train.toml` in its folder, else those for its size; of the built-in one also the
    language of its prompts.

    Raises:
        SettingsError: the file is malformed.
    """
    folder = semilla.TRAINING.parent if model == semilla.NAME else Path(model)
    path = folder / FILE
    if not path.is_file():
        if not is_small(model):
            return {}
        path = SMALL
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    return {"train": found, **({"task": {"language": "es"}} if model == semilla.NAME else {})}


def is_small(model: str) -> bool:
    """Whether a base is here and has few weights. What is wrong with one that is not is said where it is used."""
    try:
        base = resolve_base(model)
        return (gguf_facts(base).parameters if base.is_file() else count_weights(base)) < SMALL_WEIGHTS
    except (AfinaError, OSError):
        return False
