"""The prompts that are made where the user gives none, by language."""

import tomllib
from functools import cache
from importlib import resources

from afina.settings import Language


@cache
def texts() -> dict[str, dict[str, str]]:
    """Language → name → text."""
    found: dict[str, dict[str, str]] = tomllib.loads(
        resources.files("afina.tasks").joinpath("wording.toml").read_text("utf-8")
    )
    return found


def wording(language: Language, name: str, **values: str) -> str:
    """A text with its values."""
    return texts()[language][name].format(**values)
