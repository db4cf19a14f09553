"""Where a role is worked on: its settings, its folder below `.afina/roles/`, and the model that answers for it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afina.errors import SettingsError
from afina.flows.base_settings import base_layer
from afina.flows.role_model import Ask
from afina.records import Turn
from afina.roles import Role, find_role
from afina.roles.binding import Prose, binding, naming
from afina.roles.checks import ID
from afina.roles.config import RoleConfig, read_config
from afina.roles.numbering import numbered
from afina.runtime import Drawn
from afina.runtime.grammar import in_form
from afina.settings import Settings, find_project, load_settings, make_settings
from afina.store.paths import Paths, read_json
from afina.synth.program import Program, read_program
from afina.tasks import make_task

BEST = "best.json"
TUNED = re.compile(r"bootstrap[^/]*/[^/]+/models/")
"""Where versions lie below a role's folder; bases lie beside them."""
OF_PROJECT = ("project", "runtime", "privacy")
"""Sections that a role has from its project: on which machine, for whom, and what becomes of personal data. What is learnt is the role's."""
BOUND_ALLOWED, FREE_ALLOWED = 3, 12
"""Tokens that may be said again before DRY weighs against it. The form of JSON repeats itself in less than 12: with 3 allowed, 9 of 15 free answers
of a tuned small model were valid, with 12 it was 13, without DRY 9, because 5 went round in circles until they were cut off. Where a grammar
holds the form, 3 are right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpace:
    """A role at work in a project folder, or in any folder where there is no project."""

    role: Role
    settings: Settings
    paths: Paths
    prose: Prose
    """How the role's texts are written."""

    @property
    def folder(self) -> Path:
        """All that comes of the role."""
        return self.paths.role(self.role.name)

    def below(self, path: Path) -> str:
        """A path as it is written down: below the role's folder without it, so that a project may be moved."""
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)

    @property
    def program(self) -> Path:
        """What the last prompt search found."""
        return self.folder / "program.json"

    @property
    def base_file(self) -> Path:
        """The base that the role was bootstrapped on: it goes on being the role's."""
        return self.folder / "base.txt"

    @property
    def best(self) -> Path:
        """Which tuned model answers for the role; not there = none does."""
        return self.folder / BEST

    @property
    def binding(self) -> dict[str, Any]:
        """What binds an answer."""
        return binding(self.role.schema, self.prose)

    def bound(self, question: str) -> dict[str, Any]:
        """What binds the answer to a question: it may name only the question's ids, and its own."""
        return numbered(naming(self.binding, list(dict.fromkeys(ID.findall(question)))))

    def form(self, instructions: str) -> str:
        """How who is asked with these instructions writes. A base that is bound to YAML writes more and says less: of 15 answers 8 were cut off
        (of JSON none or one), and half as many of the asked words were taken up.
        """
        return self.role.trained_in if instructions == self.role.prompt else "json"

    def drawn(self, seed: int, *, bound: bool = True) -> Drawn:
        """How an answer of the role is drawn. Without a grammar no word is penalised: the quotes and names that JSON repeats would be, and
        of 15 answers of a tuned small model 4 were valid instead of 12. Only long repetitions are; with one, also short ones. A free answer is one
        of a file as it is shipped, with its Modelfile.
        """
        form = self.role.form.generation
        if bound:
            return Drawn(
                form.temperature, seed, repeat_penalty=form.repeat_penalty, dry=form.dry, dry_allowed=BOUND_ALLOWED
            )
        return Drawn(form.temperature, seed, dry=form.dry, dry_allowed=FREE_ALLOWED, as_shipped=True)

    def ask(self, turns: tuple[Turn, ...], question: str, seed: int) -> Ask:
        """A chat as the role is asked: drawn, so that another seed is another answer; bound by its schema, in which it
        may name only the question's ids: shown examples have others, and so has what is said of a bad answer.
        """
        return Ask(
            turns=turns,
            max_tokens=self.role.form.generation.max_tokens,
            schema=in_form(self.bound(question), self.form(turns[0].content)),
            drawn=self.drawn(seed),
        )

    def start_program(self) -> Program:
        """How a base is asked where no search was made: the long prompt."""
        return Program(role=self.role.name, instructions=self.role.instructions)

    def short_program(self) -> Program:
        """How a model that was tuned to the role is asked."""
        return Program(role=self.role.name, instructions=self.role.prompt)

    def system(self, program: Program) -> str:
        """A program's instructions as they are said: with the schema, unless the model was tuned to it."""
        return program.instructions if self.is_tuned(program) else self.told(program.instructions)

    def is_tuned(self, program: Program) -> bool:
        """Whether it is the one of a model that was tuned to the role."""
        return program.instructions == self.role.prompt

    def told(self, instructions: str) -> str:
        """Instructions with the schema in words: a base that is not bound must know it, one that is bound writes better."""
        task = make_task(self.settings, folder=self.role.folder)
        own = {"instructions": instructions, "format": "json"}
        wanted = replace(task, settings=task.settings.model_copy(update=own))
        return task.kind.instructions(wanted, task.schema)


def open_space(name: str, here: Path, flags: Mapping[str, Any] | None = None) -> RoleSpace:
    """A role with its settings: what its base brings < its recipe < what the project says of machine and people < `flags`. The base is the
    flags', else `LOCAL_BASE_MODEL`, else the one that the role was bootstrapped on, else the project's, else the built-in one.

    Raises:
        SettingsError: there is no such role, or something in it is malformed. InputError: an authored example is.
    """
    folder, project = project_of(here)
    role = find_role(name, project=folder)
    given = dict(flags or {})
    before = Paths(folder).role(name) / "base.txt"
    known = before.read_text("utf-8").strip() if before.is_file() else ""
    base = {"model": os.environ.get("LOCAL_BASE_MODEL") or known or project.base.model, **given.pop("base", {})}
    recipe = str((role.folder / "recipe.toml").resolve())
    task = {"answer_schema": str((role.folder / role.recipe.sections["task"]["answer_schema"]).resolve())}
    evaluate = {"timeout_s": role.form.generation.timeout, **given.get("evaluate", {})}
    theirs = {name: getattr(project, name).model_dump(exclude_unset=True) for name in OF_PROJECT}
    layers = {
        **theirs,
        "recipe": recipe,
        "base": base,
        **given,
        "task": {**given.get("task", {}), **task},
        "evaluate": evaluate,
    }
    settings = make_settings(layers, base_layer=base_layer)
    return RoleSpace(role=role, settings=settings, paths=Paths(folder), prose=role.prose())


def current_model(space: RoleSpace, model: str = "") -> tuple[RoleSpace, str, Program]:
    """Who answers for a role, and how it is asked: the given model, what `config.yaml` names, what was tuned last and held, the base.

    Raises:
        SettingsError: `config.yaml` is malformed. InputError, StoreError: so is a file of ours.
    """
    config = read_config(space.paths.project).get(space.role.name)
    best = read_json(space.best) if space.best.is_file() else {}
    tuned = str(best.get("source", ""))
    if tuned and not Path(tuned).is_absolute():
        tuned = str(space.folder / tuned)
    source = model or (config_source(space, config) if config else "") or tuned or space.settings.base.model
    how = config.prompt if config and not model else "auto"
    if how == "short" or (how == "auto" and (source == tuned or was_tuned(space, source))):
        program = space.short_program()
    elif space.program.is_file():
        program = read_program(space.program, role=space.role.name)
    else:
        program = space.start_program()
    return (configured(space, config) if config else space), source, program


def config_source(space: RoleSpace, config: RoleConfig) -> str:
    """The model of `config.yaml`; a file is meant as seen from there."""
    beside = space.paths.project / config.source
    return str(beside) if config.provider == "afina" and beside.exists() else config.source


def was_tuned(space: RoleSpace, source: str) -> bool:
    """Whether a file is one of the versions that a bootstrap or a retraining of the role has made."""
    path, role = Path(source).resolve(), space.folder.resolve()
    return path.is_relative_to(role) and bool(TUNED.match(path.relative_to(role).as_posix()))


def configured(space: RoleSpace, config: RoleConfig) -> RoleSpace:
    """A role whose answers are written as `config.yaml` says."""
    given = {name: getattr(config, name) for name in ("temperature", "max_tokens", "timeout")}
    own = {name: value for name, value in given.items() if value is not None}
    form = space.role.form.model_copy(update={"generation": space.role.form.generation.model_copy(update=own)})
    evaluate = space.settings.evaluate.model_copy(update={"timeout_s": form.generation.timeout})
    return replace(
        space, role=replace(space.role, form=form), settings=space.settings.model_copy(update={"evaluate": evaluate})
    )


def project_of(here: Path) -> tuple[Path, Settings]:
    """The project's folder and settings; without a project this folder, and what the environment says."""
    try:
        folder = find_project(here)
    except SettingsError:
        folder = here
    return folder, load_settings(folder, environment=os.environ)
