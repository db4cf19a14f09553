"""Recipes: one TOML a product, with everything that says what is learnt and when it is good enough."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from afina.errors import SettingsError

STANDARD = {"classify": "corrections", "chat": "chat", "structured": "structured", "documents": "documents"}
"""Kind → the recipe that is taken where none is named; another kind starts from the defaults alone."""
MACHINE = ("project", "store", "runtime", "serve", "capture", "upstream", "provider")
"""Sections that say where something runs: they belong into `afina.toml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe's sections, and what it is for, in a sentence."""

    name: str
    about: str
    sections: dict[str, Any]


def packaged() -> list[Recipe]:
    """The recipes that come with the program, by name."""
    folder = Path(str(resources.files("afina").joinpath("recipes")))
    return [read_recipe(str(path)) for path in sorted(folder.glob("*.toml"))]


def read_recipe(name: str) -> Recipe:
    """A recipe by its name or by the path of a TOML file.

    Raises:
        SettingsError: there is none, it is malformed, or has sections that a recipe may not have.
    """
    own = Path(name)
    path = own if own.suffix == ".toml" else Path(str(resources.files("afina").joinpath("recipes", f"{name}.toml")))
    if not path.is_file():
        known = sorted(p.stem for p in Path(str(resources.files("afina").joinpath("recipes"))).glob("*.toml"))
        raise SettingsError(
            f"no recipe {name!r}", remedy=f"there are {', '.join(known)}; or name a .toml file of your own"
        )
    try:
        sections = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    if wrong := [section for section in MACHINE if section in sections]:
        raise SettingsError(
            f"{path}: [{wrong[0]}] does not belong into a recipe", remedy="put it into afina.toml: it is of the machine"
        )
    return Recipe(name=path.stem, about=str(sections.pop("about", "")), sections=sections)
