"""Defaults < the base's own < recipe < `afina.toml` < environment < flags → one frozen `Settings`."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings as Layered
from pydantic_settings import EnvSettingsSource, SettingsConfigDict

from afina.errors import SettingsError, first_problem, in_short
from afina.settings.recipes import STANDARD, read_recipe
from afina.settings.sections import (
    BaseSettings,
    CaptureSettings,
    ChannelSettings,
    CurateSettings,
    EvaluateSettings,
    ExportSettings,
    FreezeSettings,
    LoopSettings,
    PrivacySettings,
    ProjectSettings,
    ProviderSettings,
    ReleaseSettings,
    ReplySettings,
    RuntimeSettings,
    Section,
    ServeSettings,
    StoreSettings,
    TaskSettings,
    UpstreamSettings,
)
from afina.settings.train import TrainSettings

SETTINGS_FILE = "afina.toml"
ENVIRONMENT_PREFIX = "AFINA_"
Layer = tuple[str, dict[str, Any]]
"""Where settings come from, in words, and the settings."""
BaseLayer = Callable[[str], dict[str, Any]]
"""A base model's name → the sections that it brings."""
MOVED = {
    "project.task": "task.name", "project.fields": "task.fields", "chat": "task.prompt, curate and evaluate",
    "chat.system": "task.prompt", "chat.min_quality": "curate.min_quality", "chat.newest": "curate.newest",
    "chat.max_chars": "curate.max_chars", "chat.max_reply_tokens": "evaluate.max_tokens",
    "evaluate.must_beat_yardsticks": "evaluate.must_beat_baselines", "release.canary_share": "release.ramp",
    "release.min_requests": "release.min_users", "release.max_error_rate": "release.guardrails.errors",
    "release.max_latency_ratio": "release.guardrails.latency",
}  # fmt: skip
"""Keys of earlier versions and what they are called now."""


class Settings(Section):
    """All sections, resolved."""

    recipe: str = ""
    """Name of the recipe, or path of a TOML file."""
    task: TaskSettings = TaskSettings()
    base: BaseSettings = BaseSettings()
    curate: CurateSettings = CurateSettings()
    freeze: FreezeSettings = FreezeSettings()
    train: TrainSettings = TrainSettings()
    export: ExportSettings = ExportSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    loop: LoopSettings = LoopSettings()
    release: ReleaseSettings = ReleaseSettings()
    reply: ReplySettings = ReplySettings()
    project: ProjectSettings = ProjectSettings()
    store: StoreSettings = StoreSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    serve: ServeSettings = ServeSettings()
    capture: CaptureSettings = CaptureSettings()
    privacy: PrivacySettings = PrivacySettings()
    provider: ProviderSettings = ProviderSettings()
    upstream: dict[str, UpstreamSettings] = {}
    channel: dict[str, ChannelSettings] = {}


class EnvironmentSettings(Layered, Settings):
    """The same, read from `AFINA_SECTION__KEY`; deeper sections by further double underscores, lists as JSON."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )


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
    """`AFINA_STORE__URL=…` → {"store": {"url": "…"}}, and the documents' own two variables.

    Raises:
        SettingsError: a variable of ours names no section, or a list is no JSON.
    """
    sections = set(Settings.model_fields)
    for name in environment:
        section, nested, _ = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if name.startswith(ENVIRONMENT_PREFIX) and nested and section not in sections:
            raise SettingsError(f"{name}: no section {section!r}", remedy=f"there are {', '.join(sorted(sections))}")
    source = EnvSettingsSource(EnvironmentSettings)
    source.env_vars = {name.lower(): value for name, value in environment.items()}
    try:
        found: dict[str, Any] = source()
    except Exception as exc:  # pydantic-settings wraps whatever json raises in an error of its own
        raise SettingsError(f"environment: {in_short(exc)}", remedy='lists are JSON, e.g. ["topic"]') from exc
    own: dict[str, Any] = {}
    if environment.get("OLLAMA_MODEL"):
        own["serve"] = {"model": environment["OLLAMA_MODEL"]}
    if environment.get("LOCAL_BASE_MODEL"):
        own["base"] = {"model": environment["LOCAL_BASE_MODEL"]}
    return merge(own, found)


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `under`, section by section."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = merge(below, value) if both and below is not None else value
    return merged


def load_settings(
    project: Path,
    *,
    environment: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    base_layer: BaseLayer = lambda _: {},
) -> Settings:
    """Resolve the settings of a project folder.

    Raises:
        SettingsError: a file is malformed, or a key is unknown or out of bounds; names its origin and the key.
    """
    path = project / SETTINGS_FILE
    try:
        raw = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    own = [(str(path), raw), ("environment", from_environment(environment)), ("flags", dict(flags or {}))]
    return resolve(own, base_layer=base_layer, folder=project)


def make_settings(flags: Mapping[str, Any], *, base_layer: BaseLayer = lambda _: {}) -> Settings:
    """The settings of a command that works without a project.

    Raises:
        SettingsError: a key is unknown or out of bounds.
    """
    return resolve([("flags", dict(flags))], base_layer=base_layer, folder=Path())


def resolve(layers: list[Layer], *, base_layer: BaseLayer, folder: Path) -> Settings:
    """Lay the recipe under the layers, what the base brings under that, and read the whole."""
    wanted: dict[str, Any] = {}
    for _, layer in layers:
        wanted = merge(wanted, layer)
    name = str(wanted.get("recipe") or STANDARD.get(str(section(wanted, "task").get("kind", "classify")), ""))
    if name.endswith(".toml"):
        name = str(folder / name)
    recipe = read_recipe(name) if name else None
    under = [(f"recipe {name}", recipe.sections)] if recipe else []
    merged: dict[str, Any] = {}
    for _, layer in [*under, *layers]:
        merged = merge(merged, layer)
    model = str(section(merged, "base").get("model", BaseSettings().model))
    merged = merge(base_layer(model), merged)
    try:
        return Settings.model_validate({**merged, "recipe": name})
    except ValidationError as exc:
        key, reason = first_problem(exc.errors())
        where = exc.errors()[0]["loc"]
        origin = next((source for source, layer in reversed([*under, *layers]) if holds(layer, where)), f"base {model}")
        moved = MOVED.get(key)
        raise SettingsError(f"{origin}: {key}: {reason}", remedy=f"it is called {moved} now" if moved else "") from exc


def section(layers: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section as it is written, if it is one."""
    found = layers.get(name)
    return found if isinstance(found, Mapping) else {}


def holds(layer: Any, where: tuple[int | str, ...]) -> bool:
    """Whether a layer has something at this place."""
    for part in where:
        if isinstance(layer, Mapping) and part in layer:
            layer = layer[part]
        else:
            return isinstance(layer, list | tuple) and isinstance(part, int)
    return True
