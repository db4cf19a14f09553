"""Defaults < `afina.toml` < environment (`AFINA_SECTION__KEY`) < flags → one frozen `Settings`. Unknown keys fail."""

from afina.settings.load import SETTINGS_FILE, Settings, find_project, load_settings
from afina.settings.sections import (
    ChatSettings,
    CurateSettings,
    EvaluateSettings,
    FreezeSettings,
    Quantisation,
    ReleaseSettings,
    RuntimeSettings,
    ServeSettings,
    StoreSettings,
)
from afina.settings.train import LoraSettings, TooLong, TrainingSettings, TrainSettings, read_train_settings

__all__ = [
    "SETTINGS_FILE",
    "ChatSettings",
    "CurateSettings",
    "EvaluateSettings",
    "FreezeSettings",
    "LoraSettings",
    "Quantisation",
    "ReleaseSettings",
    "RuntimeSettings",
    "ServeSettings",
    "Settings",
    "StoreSettings",
    "TooLong",
    "TrainSettings",
    "TrainingSettings",
    "find_project",
    "load_settings",
    "read_train_settings",
]
