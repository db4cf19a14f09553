"""Reads `afina.toml`, the environment and flags into one frozen `Settings`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from afina.errors import SettingsError
from afina.settings.sections import (
    BaseSettings,
    ChatSettings,
    CurateSettings,
    EvaluateSettings,
    ExportSettings,
    FreezeSettings,
    ProjectSettings,
    ReleaseSettings,
    RuntimeSettings,
    Section,
    ServeSettings,
    StoreSettings,
)
from afina.settings.train import TrainSettings, explain

SETTINGS_FILE = "afina.toml"
ENVIRONMENT_PREFIX = "AFINA_"


class Settings(Section):
    """All sections, resolved."""

    project: ProjectSettings = ProjectSettings()
    store: StoreSettings = StoreSettings()
    base: BaseSettings = BaseSettings()
    curate: CurateSettings = CurateSettings()
    chat: ChatSettings = ChatSettings()
    freeze: FreezeSettings = FreezeSettings()
    train: TrainSettings = TrainSettings()
    export: ExportSettings = ExportSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    release: ReleaseSettings = ReleaseSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    serve: ServeSettings = ServeSettings()


def find_project(start: Path) -> Path:
    """The nearest folder at or above `start` with an `afina.toml`.

    Raises:
        SettingsError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise SettingsError(
        f"no {SETTINGS_FILE} in {start} or above", remedy="run `afina init` in the folder of your project"
    )


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """`AFINA_STORE__URL=…` → {"store": {"url": "…"}}; deeper sections by further double underscores."""
    nested: dict[str, Any] = {}
    if environment.get("OLLAMA_MODEL"):
        nested["serve"] = {"model": environment["OLLAMA_MODEL"]}
    if environment.get("LOCAL_BASE_MODEL"):
        nested["base"] = {"model": environment["LOCAL_BASE_MODEL"]}
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name:
            continue
        *path, last = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `under`, section by section."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = merge(below, value) if both and below is not None else value
    return merged


def load_settings(project: Path, *, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """Resolve the settings of a project folder.

    Raises:
        SettingsError: the file is malformed, or a key is unknown or out of bounds; names file and key.
    """
    path = project / SETTINGS_FILE
    try:
        raw = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    layers = merge(merge(raw, from_environment(environment)), flags or {})
    try:
        return Settings.model_validate(layers)
    except ValidationError as exc:
        raise SettingsError(explain(exc, source=str(path))) from exc
