"""A bootstrap at work: what was asked for, what is done, and where it lies."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.flows.role_model import RoleModel, open_model
from afina.flows.role_space import RoleSpace
from afina.flows.tune_prompt import Optimiser
from afina.progress import Stages, Tell
from afina.roles import Seed
from afina.store.paths import read_json, write_json
from afina.synth.candidates import MIN_SCORE
from afina.synth.search import search_by_reflection

ROLE_FILES = ("role.toml", "recipe.toml", "schema.json", "seeds.jsonl", "concepts.toml", "stress.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapOptions:
    """`generations`: examples that each one is tuned on. `minutes`: of each training; 0 = no limit. `reference`: a model beside them, any
    source or a file of answers; without one nothing is said of other models.
    """

    generations: tuple[int, ...] = (100, 200)
    least: int = 50
    calls: int = 120
    questions: int = 12
    minutes: float = 0.0
    min_score: float = MIN_SCORE
    languages: tuple[str, ...] = ()
    reference: str = ""
    optimiser: str = "gepa"
    seed: int = 0

    def mark(self, space: RoleSpace) -> str:
        """Equal where the steps that are done are still the right ones: with another `least` they are."""
        paths = [space.role.folder / name for name in ROLE_FILES]
        files = [(path.name, path.read_bytes()) for path in paths if path.is_file()]
        content = [asdict(replace(self, least=0)), space.settings.model_dump(mode="json"), files]
        return blake2b(repr(content).encode(), digest_size=8).hexdigest()


@dataclass
class Boot:
    """A bootstrap at work. `done`: step → what it came to."""

    space: RoleSpace
    options: BootstrapOptions
    stages: Stages
    optimise: Callable[[RoleModel], Optimiser] = lambda _model: search_by_reflection
    done: dict[str, Any] = field(default_factory=dict)
    fresh: bool = False
    """Something was done by this call, or taken back while another's model answers."""
    mark: str = ""
    """What its steps are done for."""

    @property
    def folder(self) -> Path:
        """All files of it."""
        return self.space.folder / "bootstrap"

    @property
    def program(self) -> Path:
        """What its own prompt search found."""
        return self.folder / "program.json"

    @property
    def base(self) -> str:
        """The base's source."""
        return self.space.settings.base.model

    @property
    def generations(self) -> tuple[int, ...]:
        """Examples of each, as the budget has them."""
        return tuple(self.done["budget"].get("generations", self.options.generations))

    def step(self, name: str, work: Callable[[Tell], dict[str, Any]]) -> dict[str, Any]:
        """A step, unless it is done. Its result has a `note` for people."""
        if name not in self.done:
            with self.stages.stage(name) as stage:
                found = work(stage.tell)
                stage.note = str(found.get("note", ""))
            self.keep(name, found)
        return dict(self.done[name])

    def keep(self, name: str, found: dict[str, Any]) -> None:
        """Write down that a step is done.

        Raises:
            InputError: the role's files are others than when it began.
        """
        mark = self.options.mark(self.space)
        if self.mark and mark != self.mark:
            raise InputError(
                f"{self.space.role.folder} was changed while {self.space.role.name} was at work",
                remedy="the same command begins anew with what is there now; what was done before is put aside",
            )
        self.done[name], self.fresh = found, True
        write_json(self.folder / "steps.json", {"mark": mark, "steps": self.done})


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """What every step came to, the authored examples that it was judged on, and how many versions were tuned."""

    steps: dict[str, Any]
    held_out: tuple[Seed, ...]
    generations: int


def opened(boot: Boot, source: str) -> AbstractContextManager[RoleModel]:
    """A model, with all answers kept."""
    return open_model(source, boot.space.settings, boot.space.folder, kept="answers.jsonl")


def resume(boot: Boot) -> None:
    """Take over what an earlier call did, if it was asked for the same; what was done for something else is put aside under its mark."""
    mark, before = boot.options.mark(boot.space), kept_steps(boot.folder)
    boot.mark = mark
    if before and before["mark"] != mark:
        move(boot, boot.folder, aside(boot, before["mark"]))
    if not boot.folder.exists() and aside(boot, mark).exists():
        move(boot, aside(boot, mark), boot.folder)
        boot.fresh = answering(boot, boot.folder) is None
    found = kept_steps(boot.folder)
    boot.done = dict(found["steps"]) if found else {}


def move(boot: Boot, old: Path, new: Path) -> None:
    """Move a bootstrap's folder. A model in it that answers for the role goes on answering."""
    source = answering(boot, old)
    old.replace(new)
    if source is not None:
        told = read_json(boot.space.best)
        write_json(boot.space.best, {**told, "source": str(new / source.relative_to(old))})


def answering(boot: Boot, folder: Path) -> Path | None:
    """The model in a folder that answers for the role; None if another one does, or the base."""
    told = read_json(boot.space.best) if boot.space.best.is_file() else {}
    source = boot.space.folder / str(told.get("source", ""))
    return source if told and source.is_relative_to(folder) else None


def kept_steps(folder: Path) -> dict[str, Any]:
    """Mark and steps of what lies in a folder; nothing where no step is done."""
    path = folder / "steps.json"
    return dict(read_json(path)) if path.is_file() else {}


def aside(boot: Boot, mark: str) -> Path:
    """Where the bootstrap of other options lies."""
    return boot.folder.with_name(f"bootstrap-{mark}")
