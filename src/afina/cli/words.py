"""English → Spanish for what the commands say. The English text is the key; `es.toml` holds the Spanish."""

import locale
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

LANGUAGES = ("en", "es")


def pick_language(arguments: Sequence[str], environment: Mapping[str, str], system: str | None) -> str:
    """`--lang` before anything else, then AFINA_LANG, then the locale; English otherwise.

    Read from the raw arguments, because help texts are made before any option is parsed.
    """
    for at, argument in enumerate(arguments):
        value = argument.partition("=")[2] if argument.startswith("--lang=") else ""
        if argument == "--lang" and at + 1 < len(arguments):
            value = arguments[at + 1]
        if value in LANGUAGES:
            return value
    for name in ("AFINA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "es" if environment[name].lower().startswith("es") else "en"
    return "es" if (system or "").lower().startswith("es") else "en"


@cache
def language() -> str:
    """The language of this process."""
    return pick_language(sys.argv[1:], os.environ, locale.getlocale()[0])


@cache
def spanish() -> dict[str, str]:
    """The translations."""
    table: dict[str, str] = tomllib.loads(resources.files("afina.cli").joinpath("es.toml").read_text("utf-8"))
    return table


def t(english: str) -> str:
    """The text in the language of this process."""
    return spanish().get(english, english) if language() == "es" else english
