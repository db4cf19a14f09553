"""What a base brings of its own: training settings that suit it, laid under those of the recipe."""

import tomllib
from pathlib import Path
from typing import Any

from afina.bases import semilla
from afina.errors import SettingsError

FILE = "train.toml"


def base_layer(model: str) -> dict[str, Any]:
    """The sections that a base brings: those of `train.toml` in its folder; of the built-in one also the language of its prompts.

    Raises:
        SettingsError: the file is malformed.
    """
    folder = semilla.TRAINING.parent if model == semilla.NAME else Path(model)
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    return {"train": found, **({"task": {"language": "es"}} if model == semilla.NAME else {})}
