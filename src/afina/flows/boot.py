"""A bootstrap at work: what was asked for, what is done, and where it lies."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.bases.ollama import PREFIX
from afina.errors import InputError, RoleError
from afina.flows.role_compare import BOUND, FREE
from afina.flows.role_model import RoleModel, gguf_of, open_model
from afina.flows.role_space import BEST, OF_PROJECT, RoleSpace
from afina.flows.tune_prompt import Optimiser
from afina.progress import Stages, Tell
from afina.roles import Seed
from afina.settings import Settings
from afina.store.file_lock import held_file
from afina.store.paths import free_name, read_json, write_json
from afina.synth.candidates import MIN_SCORE
from afina.synth.search import search_by_reflection
from afina.verdict.caveats import MOST_FAILED

PLACE, STEPS, CHOSEN = "bootstrap", "steps.json", "choose"
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
        """Equal where the steps that are done are still the right ones: with another `least` or `reference` they are, and where the role's
        files lie elsewhere.
        """
        paths = [space.role.folder / name for name in ROLE_FILES]
        files = [(path.name, path.read_bytes()) for path in paths if path.is_file()]
        settings = space.settings.model_dump(mode="json")
        plain = Settings().model_dump(mode="json")  # the machine is another one tomorrow
        settings |= {
            "recipe": "",
            "task": {**settings["task"], "answer_schema": ""},
            **{name: plain[name] for name in OF_PROJECT},
        }
        content = [asdict(replace(self, least=0, reference="")), settings, files]
        return blake2b(repr(content).encode(), digest_size=8).hexdigest()


@dataclass
class Boot:
    """A bootstrap at work. `done`: step → what it came to."""

    space: RoleSpace
    options: BootstrapOptions
    stages: Stages
    optimise: Callable[[RoleModel], Optimiser] = lambda _model: search_by_reflection
    done: dict[str, Any] = field(default_factory=dict)
    mark: str = ""
    """What its steps are done for."""
    place: str = PLACE
    """Its folder below the role's."""

    @property
    def folder(self) -> Path:
        """All files of it."""
        return self.space.folder / self.place

    @property
    def program(self) -> Path:
        """What its own prompt search found."""
        return self.folder / "program.json"

    @property
    def base(self) -> str:
        """The base's name."""
        return self.space.settings.base.model

    @property
    def base_source(self) -> str:
        """The base as it is asked. One of Ollama's is asked by its file, as it is trained: Ollama would draw its answers in its own way.

        Raises:
            InputError, ModelError: it is not here.
        """
        if not self.base.startswith(PREFIX):
            return self.base
        return str(gguf_of(self.base, self.space.settings, self.space.folder))

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
        self.done[name] = found
        write_json(
            self.folder / STEPS,
            {"mark": mark, "reference": self.options.reference, "base": self.base, "steps": self.done},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """What every step came to, the authored examples that it was judged on, and how many versions were tuned."""

    steps: dict[str, Any]
    held_out: tuple[Seed, ...]
    generations: int


@contextmanager
def only_one(space: RoleSpace) -> Iterator[None]:
    """Hold the role: a second bootstrap would move the first one's folder from under it, and so would a retraining's.

    Raises:
        RoleError: another process is at work on the role.
    """
    taken = RoleError(
        f"{space.role.name}: another bootstrap or retraining is at work", remedy="wait for it, or stop it first"
    )
    with held_file(space.folder / ".lock", taken):
        yield


def opened(boot: Boot, source: str) -> AbstractContextManager[RoleModel]:
    """A model, with all answers kept."""
    return open_model(source, boot.space.settings, boot.space.folder, kept="answers.jsonl")


def resume(boot: Boot) -> None:
    """Take over what an earlier call did, if it was asked for the same; what was done for something else is put aside under its mark."""
    mark, before = boot.options.mark(boot.space), kept_steps(boot.folder)
    boot.mark = mark
    own, taken_back = boot.folder.with_name(f"{PLACE}-{mark}"), False
    if before.get("mark") != mark:
        if boot.folder.exists():  # without steps it has what was tuned with rated runs alone
            move(boot, boot.folder, free_name(boot.folder.with_name(f"{PLACE}-{before.get('mark', 'rated')}")))
        if own.exists():
            move(boot, own, boot.folder)
            taken_back = answering(boot.folder) is None
    found = kept_steps(boot.folder)
    same = found.get("reference", "") == boot.options.reference
    steps = dict(found.get("steps", {}))
    unsettled = {name for name, step in steps.items() if not is_settled(step)}
    # Everybody is judged again beside another reference: what they answered is kept.
    again = unsettled if same else {*unsettled, *(name for name in steps if name.startswith("judge-"))}
    boot.done = {name: step for name, step in steps.items() if name not in again}
    if taken_back or unsettled:  # another one's model answers since, or nobody could be chosen: who does is asked again
        boot.done.pop(CHOSEN, None)


def is_settled(step: Mapping[str, Any]) -> bool:
    """Whether a step said something: a judging in which too many questions failed did not. What was answered is kept: only what failed is
    asked again.
    """
    rows = [row for way in (FREE, BOUND) for row in step.get(way, {}).values()]
    return all(row["failed"] <= MOST_FAILED * row["items"] for row in rows)


def move(boot: Boot, old: Path, new: Path) -> None:
    """Move a bootstrap's folder. A model in it that answers for the role goes on answering."""
    source = answering(old)
    old.replace(new)
    if source is not None:
        told = read_json(boot.space.best)
        write_json(boot.space.best, {**told, "source": boot.space.below(new / source.relative_to(old))})


def answering(folder: Path) -> Path | None:
    """The model in a bootstrap's folder that answers for the role; None if another one does, or the base."""
    best = folder.parent / BEST
    told = read_json(best) if best.is_file() else {}
    source = folder.parent / str(told.get("source", ""))
    return source if told and source.is_relative_to(folder) else None


def answering_place(role: Path, base: str = "") -> str:
    """The folder, below the role's, of the bootstrap whose model answers: another one may have begun since. Without one the last that was
    begun, rather one of the base that answers.
    """
    folders = sorted(role.glob(f"{PLACE}*"))
    with_model = [one.name for one in folders if answering(one) is not None]
    of_base = [one.name for one in folders if base and kept_steps(one).get("base") == base]
    return [*with_model, *of_base, PLACE][0]


def kept_steps(folder: Path) -> dict[str, Any]:
    """Mark and steps of what lies in a folder; nothing where no step is done."""
    path = folder / STEPS
    return dict(read_json(path)) if path.is_file() else {}
