"""A role: a folder that says what it reads, what it writes, how it is asked, and when an answer is good.

role.toml       about, reads, writes, artifact, [generation]
recipe.toml     the recipe of its task: prompts, training, evaluation
schema.json     what binds its answers; `x-covers`, `x-code`: see checks.py
seeds.jsonl     authored examples: id, language, domain, input, answer
concepts.toml   what concepts are made of (optional)
stress.jsonl    hard cases: id, case (what makes it hard), input (optional)
"""

import json
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from afina.errors import InputError, SettingsError, first_problem
from afina.files.forms import Form, Identity, Text, read_forms
from afina.files.strict_json import JsonProblem, read_json_text
from afina.roles.binding import Prose, prose_of
from afina.roles.checks import check_answer
from afina.settings import Recipe, read_recipe

OWN = "roles"
"""Folder of a project with roles of its own; one of a packaged role's name stands in for it."""


class Part(BaseModel):
    """A part of a file: it refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Read(Part):
    """What a role reads of another one's artifact: all of it, the fields `only`, what is `at` a dotted place, or `each` entry of a list."""

    role: str = Field(min_length=1)
    label: str = Field(min_length=1, description="the word before it in the question")
    only: tuple[str, ...] = ()
    at: str = ""
    each: str = Field("", description="a list: the role is asked once for each entry, and the answers are put together")


class Generation(Part):
    """How answers are written. Document 001's names."""

    temperature: float = Field(0.7, ge=0, le=2)
    example_temperature: float = Field(
        0.3,
        ge=0,
        le=2,
        description="of examples to be trained on; those that are asked for again are written as all answers",
    )
    max_tokens: int = Field(1200, ge=16)
    timeout: float = Field(120.0, gt=0, description="seconds")
    repeat_penalty: float = Field(
        1.1,
        ge=1,
        le=2,
        description="keeps a small model that its schema binds from saying the same again and again; more of it, and it ends no sentence",
    )
    dry: float = Field(0.8, ge=0, le=5, description="keeps a small model from going round in circles")


class RoleForm(Part):
    """`role.toml`."""

    about: str = Field(min_length=1)
    reads: tuple[Read, ...] = ()
    writes: str = Field(pattern=r"^[a-z0-9_-]+\.yaml$")
    artifact: str = Field(min_length=1, description="the word for what it writes")
    good_rating: int = Field(4, ge=1, le=5, description="from this rating on an answer becomes an example")
    generation: Generation = Generation()


class SeedRow(Form):
    """A line of `seeds.jsonl`."""

    id: Identity
    input: Text = Field(min_length=1)
    answer: dict[str, Any]
    language: str = "en"
    domain: str = ""
    complexity: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """An example that a person wrote."""

    id: str
    question: str
    answer: dict[str, Any]
    language: str = "en"
    domain: str = ""
    complexity: str = ""
    audience: str = ""

    @property
    def text(self) -> str:
        """The answer as a base writes it."""
        return json.dumps(self.answer, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as its folder says it."""

    name: str
    folder: Path
    form: RoleForm
    recipe: Recipe
    schema: dict[str, Any]

    @property
    def prompt(self) -> str:
        """The short prompt, for a model that was tuned to the role."""
        return str(self.recipe.sections["task"]["prompt"])

    @property
    def trained_in(self) -> str:
        """The form in which a model that is tuned to the role writes its answers: `yaml` or `json`. A base writes JSON."""
        return str(self.recipe.sections["task"].get("format", "json"))

    @property
    def instructions(self) -> str:
        """The long prompt, for a base."""
        return str(self.recipe.sections["task"]["instructions"])

    def prose(self) -> Prose:
        """How its authored texts are written; without examples nothing is known.

        Raises:
            InputError: see `seeds`.
        """
        path = self.folder / "seeds.jsonl"
        return prose_of(seed.answer for seed in self.seeds(path)) if path.is_file() else Prose()

    def seeds(self, path: Path | None = None) -> tuple[Seed, ...]:
        """The authored examples, of the folder or of a file of the user's own.

        Raises:
            InputError: a line is no example, breaks the schema or repeats an id; names it.
        """
        return read_seeds(path or self.folder / "seeds.jsonl", self)


def packaged_folder() -> Path:
    """The roles that come with the program."""
    return Path(str(resources.files("afina").joinpath("roles")))


def known_roles(project: Path) -> list[str]:
    """Names of all roles, the project's own among them; the packaged ones first, in the order of their chain."""
    own = sorted(path.parent.name for path in (project / OWN).glob("*/role.toml"))
    there = sorted(path.parent.name for path in packaged_folder().glob("*/role.toml"))
    return [*CHAIN, *(name for name in dict.fromkeys([*there, *own]) if name not in CHAIN)]


CHAIN = ("ba", "po", "architect", "dev", "qa")
"""From a concept to code and its tests."""


def find_role(name: str, *, project: Path) -> Role:
    """A role by name: the project's own `roles/NAME/`, or a packaged one.

    Raises:
        SettingsError: there is none, or a file of it is malformed; names file and key.
    """
    folder = next(
        (path for path in (project / OWN / name, packaged_folder() / name) if (path / "role.toml").is_file()), None
    )
    if folder is None:
        known = ", ".join(known_roles(project))
        raise SettingsError(
            f"no role {name!r}", remedy=f"there are {known}; or make a folder {OWN}/{name} with role.toml"
        )
    recipe = read_recipe(str(folder / "recipe.toml"))
    told = recipe.sections.get("task", {})
    if missing := [key for key in ("prompt", "instructions", "answer_schema") if not told.get(key)]:
        raise SettingsError(f"{recipe_file(folder)}: [task] lacks {', '.join(missing)}")
    schema = read_object(folder / str(told["answer_schema"]))
    return Role(name=name, folder=folder, form=read_form(folder / "role.toml"), recipe=recipe, schema=schema)


def recipe_file(folder: Path) -> Path:
    """Where a role's recipe is."""
    return folder / "recipe.toml"


def read_form(path: Path) -> RoleForm:
    """`role.toml`.

    Raises:
        SettingsError: names the key.
    """
    try:
        return RoleForm.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    except ValidationError as exc:
        key, reason = first_problem(exc.errors(include_url=False), show=True)
        raise SettingsError(f"{path}: `{key}`: {reason}") from exc


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        SettingsError: missing, or something else.
    """
    try:
        found = read_json_text(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, JsonProblem) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: no JSON object")
    return found


def read_seeds(path: Path, role: Role) -> tuple[Seed, ...]:
    """Authored examples, each of which fulfils the role's schema.

    Raises:
        InputError: names line and what is wrong.
    """
    found: dict[str, Seed] = {}
    for where, row in read_forms(SeedRow, path):
        seed = Seed(
            id=row.id,
            question=row.input,
            answer=row.answer,
            language=row.language,
            domain=row.domain,
            complexity=row.complexity,
            audience=row.audience,
        )
        if row.id in found:
            raise InputError(f"{where}: the id {row.id!r} is there twice")
        checked = check_answer(seed.text, seed.question, role.schema)
        if min(checked.scores[name] for name in checked.scores if name not in {"about", "new"}) < 1:
            raise InputError(
                f"{where}: {'; '.join(checked.problems)}", remedy="an example shows what is right in every way"
            )
        found[row.id] = seed
    return tuple(found.values())
