"""Defaults < base's own < recipe < `afina.toml` < environment < flags → one frozen `Settings`. Unknown keys fail."""

from afina.settings.load import SETTINGS_FILE, BaseLayer, Settings, find_project, load_settings, make_settings
from afina.settings.recipes import Recipe, packaged, read_recipe
from afina.settings.sections import (
    CaptureSettings,
    CurateSettings,
    EvaluateSettings,
    Form,
    FreezeSettings,
    Language,
    Quantisation,
    ReleaseSettings,
    ReplySettings,
    RuntimeSettings,
    ServeSettings,
    StoreSettings,
    TaskSettings,
    UpstreamSettings,
)
from afina.settings.train import LoraSettings, TooLong, TrainingSettings, TrainSettings, read_train_settings

__all__ = [
    "SETTINGS_FILE",
    "BaseLayer",
    "CaptureSettings",
    "CurateSettings",
    "EvaluateSettings",
    "Form",
    "FreezeSettings",
    "Language",
    "LoraSettings",
    "Quantisation",
    "Recipe",
    "ReleaseSettings",
    "ReplySettings",
    "RuntimeSettings",
    "ServeSettings",
    "Settings",
    "StoreSettings",
    "TaskSettings",
    "TooLong",
    "TrainSettings",
    "TrainingSettings",
    "UpstreamSettings",
    "find_project",
    "load_settings",
    "make_settings",
    "packaged",
    "read_recipe",
    "read_train_settings",
]
