"""`afina bootstrap`: from a few authored examples to a tuned model, without anybody's API (document 001): base → prompt search →
examples → tuned v1 → more examples → tuned v2. Every step is kept when it is done; the same command goes on behind the last one.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.files import NOTICES
from afina.files.rows import read_rows
from afina.flows.concepts import questions_for, read_concepts, write_concepts
from afina.flows.learn import Lesson, learn
from afina.flows.project import folder_project
from afina.flows.role_compare import (
    BOUND,
    FREE,
    LEAST,
    SHARED,
    Contender,
    ask_contenders,
    figures,
    role_set,
    role_verdict,
    seed_items,
    stress_items,
)
from afina.flows.role_model import RoleModel, open_model
from afina.flows.role_space import RoleSpace
from afina.flows.synth import (
    SynthOptions,
    Writer,
    kept_of,
    write_candidates,
    write_examples,
    write_training,
)
from afina.flows.tune_prompt import Optimiser, SearchOptions, Trial, parted_seeds, tune_prompt
from afina.progress import Stages, Tell
from afina.records import Outcome
from afina.roles import Seed
from afina.store.paths import read_json, write_json, write_whole
from afina.synth.candidates import MIN_SCORE, Candidate, reasons_of
from afina.synth.concepts import Wanted, diversity
from afina.synth.program import Program, read_program, write_program
from afina.synth.search import search_by_reflection
from afina.verdict.record import to_json

BASE, ASKED_WELL, REFERENCE = "base", "base+program", "reference"
MORE_CONCEPTS = 1.5
"""Concepts for each example that is wanted: some answers are refused."""
LOW_SCORE = 0.65
"""Document 001's least score of a base; below it the prompt search is twice as long."""
FEWEST = 1
"""Written examples that are held out: their verdict is shown, the authored ones decide."""
MEASURED = 3
"""Questions by which a base's speed is measured."""


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
        """Equal where the steps that are done are still the right ones."""
        files = [path.read_bytes() for path in sorted(space.role.folder.iterdir()) if path.is_file()]
        content = [asdict(self), space.settings.model_dump(mode="json"), files]
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
    """Something was done by this call."""

    @property
    def folder(self) -> Path:
        """All files of it."""
        return self.space.folder / "bootstrap"

    @property
    def base(self) -> str:
        """The base's source."""
        return self.space.settings.base.model

    def step(self, name: str, work: Callable[[Tell], dict[str, Any]]) -> dict[str, Any]:
        """A step, unless it is done. Its result has a `note` for people."""
        if name not in self.done:
            with self.stages.stage(name) as stage:
                found = work(stage.tell)
                stage.note = str(found.get("note", ""))
            self.keep(name, found)
        return dict(self.done[name])

    def keep(self, name: str, found: dict[str, Any]) -> None:
        """Write down that a step is done."""
        self.done[name], self.fresh = found, True
        write_json(self.folder / "steps.json", {"mark": self.options.mark(self.space), "steps": self.done})


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """What every step came to, the authored examples that it was judged on, and how many versions were tuned."""

    steps: dict[str, Any]
    held_out: tuple[Seed, ...]
    generations: int


def bootstrap(boot: Boot) -> Booted:
    """All steps that are not done. Returns what each came to.

    Raises:
        InputError: too few authored examples. NotEnoughDataError: too few written ones were good enough; says what helps.
    """
    seen, held_out = parted_seeds(boot.space.role.seeds())
    languages = boot.options.languages or tuple(dict.fromkeys(seed.language for seed in seen))
    held_out = tuple(seed for seed in held_out if seed.language in languages)
    if not held_out:
        raise InputError(f"no authored example in {', '.join(languages)} is held out: nothing could be judged")
    if len(held_out) < LEAST:
        NOTICES.warning(
            "%d authored examples are held out, a verdict needs %d: all that can be said is what was found",
            len(held_out),
            LEAST,
        )
    resume(boot)
    write_whole(boot.space.base_file, boot.base + "\n")
    boot.step("budget", lambda _tell: budget(boot, len(held_out)))
    boot.step("concepts", lambda tell: concepts_step(boot, languages, tell))
    boot.step("program", lambda tell: program_step(boot, tell))
    judged = boot.step("judge-base", lambda tell: judge_step(boot, held_out, (), tell))
    tuned: list[Contender] = []
    for number, wanted in enumerate(boot.options.generations, start=1):
        teacher = best_writer(boot, tuned, judged)
        work = partial(examples_step, boot, (number, wanted), teacher)
        examples = boot.step(f"examples-{number}", work)
        tuned.append(tuned_step(boot, number, Path(examples["training"])))
        judged = boot.step(f"judge-{number}", lambda tell: judge_step(boot, held_out, tuple(tuned), tell))
    if stress_file(boot).is_file():
        boot.step("stress", lambda tell: stress_step(boot, tuned[-1], tell))
    if boot.fresh:
        choose(boot, tuned)
    return Booted(steps=boot.done, held_out=held_out, generations=len(tuned))


def choose(boot: Boot, tuned: Sequence[Contender]) -> None:
    """Let the newest generation answer for the role that is surely better than the base when nothing binds it, and no worse than the base
    asked well when the schema does, as the roles run; without one the base goes on answering.
    """
    for number in range(len(tuned), 0, -1):
        judged = boot.done[f"judge-{number}"]
        bound = judged[BOUND]
        no_worse = bound[f"v{number}"][SHARED[0]] >= max(bound[name][SHARED[0]] for name in (BASE, ASKED_WELL))
        if judged["verdict"]["outcome"] == Outcome.GO and no_worse:
            one = tuned[number - 1]
            write_json(boot.space.best, {"source": one.source, "name": one.name, "over": BASE})
            return
    boot.space.best.unlink(missing_ok=True)


def resume(boot: Boot) -> None:
    """Take over what an earlier call did, if it was asked for the same; what was done for something else is put aside under its mark."""
    mark, before = boot.options.mark(boot.space), kept_steps(boot.folder)
    if before and before["mark"] != mark:
        boot.folder.replace(aside(boot, before["mark"]))
    if not boot.folder.exists() and aside(boot, mark).exists():
        aside(boot, mark).replace(boot.folder)
    found = kept_steps(boot.folder)
    boot.done = dict(found["steps"]) if found else {}


def kept_steps(folder: Path) -> dict[str, Any]:
    """Mark and steps of what lies in a folder; nothing where no step is done."""
    path = folder / "steps.json"
    return dict(read_json(path)) if path.is_file() else {}


def aside(boot: Boot, mark: str) -> Path:
    """Where the bootstrap of other options lies."""
    return boot.folder.with_name(f"bootstrap-{mark}")


def budget(boot: Boot, judged: int) -> dict[str, Any]:
    """What is going to be written, and how long that takes: said before anything is spent. `judged`: authored examples of each judging."""
    options, space = boot.options, boot.space
    with opened(boot, boot.base) as model:
        writer = Writer(space=space, model=model, program=space.start_program())
        replies = model.ask_all([writer.ask(seed.question, 0) for seed in space.role.seeds()[:MEASURED]])
    tokens = sum(reply.tokens for reply in replies) / MEASURED
    seconds = sum(reply.seconds for reply in replies) / MEASURED / max(1, space.settings.runtime.slots)
    written = options.calls + round(MORE_CONCEPTS * sum(options.generations))
    answers = written + 2 * judged * (
        2 + len(options.generations)
    )  # free and bound: the base twice, each generation once
    training = options.minutes * len(options.generations)
    writing = seconds * answers / 60
    told = f"about {writing:.0f} minutes of writing ({answers} answers, {tokens:.0f} tokens each)"
    told += f", up to {training:g} of training" if training else ", training besides (its own plan says how long)"
    told += "; more where answers are refused and asked for again, or the base is weak and the search twice as long"
    return {"answers": answers, "tokens": round(tokens), "minutes": round(writing + training, 1), "note": told}


def opened(boot: Boot, source: str) -> AbstractContextManager[RoleModel]:
    """A model, with all answers kept."""
    return open_model(source, boot.space.settings, boot.space.folder, kept="answers.jsonl")


def concepts_step(boot: Boot, languages: Sequence[str], tell: Tell) -> dict[str, Any]:
    """Concepts for all generations and for the search, each used once."""
    count = boot.options.questions + round(MORE_CONCEPTS * sum(boot.options.generations))
    wanted = Wanted(count=count, languages=tuple(languages), seed=boot.options.seed)
    found = questions_for(boot.space, wanted, tell=tell)
    write_concepts(boot.folder / "concepts.jsonl", found)
    told = diversity(found)
    return {**told, "note": f"{len(found)} concepts, {told['domains']} domains, unique {told['unique']:.0%}"}


def program_step(boot: Boot, tell: Tell) -> dict[str, Any]:
    """The prompt search; twice as long where the base scores low."""
    questions = [one.question for one in read_concepts(boot.folder / "concepts.jsonl")[: boot.options.questions]]
    with opened(boot, boot.base) as model:
        program = searched(boot, model, questions, boot.options.calls, tell)
        remedies = []
        if program.found["score"] < LOW_SCORE:
            program = searched(boot, model, questions, 2 * boot.options.calls, tell)
            remedies = [f"the base scores below {LOW_SCORE}: the prompt search was twice as long"]
    write_program(boot.space.program, program)
    told = program.found
    note = f"{told['start']:.3f} → {told['score']:.3f} with {told['calls']} answers, {told['malformed']} malformed"
    return {**told, "remedies": remedies, "note": note}


def searched(boot: Boot, model: RoleModel, questions: Sequence[str], calls: int, tell: Tell) -> Program:
    """A search of so many answers."""
    options = SearchOptions(calls=calls, seed=boot.options.seed)
    return tune_prompt(Trial(boot.space, model, options), questions, boot.optimise(model), tell)


def contenders_of(boot: Boot) -> list[Contender]:
    """The untuned base, asked at length, and as the search found; the reference, where there is one."""
    found = read_program(boot.space.program, role=boot.space.role.name)
    other = boot.options.reference
    return [
        *([Contender(name=REFERENCE, source=other, program=boot.space.start_program())] if other else []),
        Contender(name=BASE, source=boot.base, program=boot.space.start_program()),
        Contender(name=ASKED_WELL, source=boot.base, program=found),
    ]


def stress_file(boot: Boot) -> Path:
    """The role's hard cases."""
    return boot.space.role.folder / "stress.jsonl"


def stress_step(boot: Boot, newest: Contender, tell: Tell) -> dict[str, Any]:
    """The base and the newest generation on hard cases, bound as the roles run: they are shown, they decide nothing."""
    rows = [row.values for row in read_rows(stress_file(boot))]
    eval_set = role_set(boot.space, stress_items(boot.space, rows), bound=True, name="stress")
    scored = ask_contenders(boot.space, [contenders_of(boot)[-1], newest], eval_set, tell)
    found = {one.name: figures(one) for one in scored}
    by_case = {
        one.name: {str(row["case"]): round(one.scores[SHARED[0]][str(row["id"])], 3) for row in rows} for one in scored
    }
    told = ", ".join(f"{name} {row[SHARED[0]]:.3f}" for name, row in found.items())
    return {"figures": found, "cases": by_case, "note": f"{len(rows)} hard cases: {told}"}


def judge_step(boot: Boot, held_out: Sequence[Seed], tuned: Sequence[Contender], tell: Tell) -> dict[str, Any]:
    """Everybody on the authored examples that nobody has seen, free and bound; the newest generation against the base."""
    items = seed_items(boot.space, held_out)
    contenders = [*contenders_of(boot), *tuned]
    found: dict[str, Any] = {}
    for name in (FREE, BOUND):
        eval_set = role_set(boot.space, items, bound=name == BOUND)
        scored = ask_contenders(boot.space, contenders, eval_set, tell)
        found[name] = {one.name: figures(one) for one in scored}
        if tuned and name == FREE:
            verdict = role_verdict(boot.space, scored, BASE, tuned[-1].name)
            found["verdict"] = {**to_json(verdict), "p_value": verdict.p_value}
    measure = SHARED[0]
    told = ", ".join(f"{name} {row[measure]:.3f}" for name, row in found[FREE].items())
    outcome = f"; {found['verdict']['outcome']} over the base" if tuned else ""
    return {**found, "note": f"free: {told}{outcome}"}


def best_writer(boot: Boot, tuned: Sequence[Contender], judged: dict[str, Any]) -> Contender:
    """Who writes the next examples: the best so far, bound as examples are written."""
    scores = judged[BOUND]
    own = [one for one in contenders_of(boot) if one.name != REFERENCE]
    return max([*own, *tuned], key=lambda one: scores[one.name][SHARED[0]])


def examples_step(boot: Boot, generation: tuple[int, int], writer: Contender, tell: Tell) -> dict[str, Any]:
    """Examples for a generation, with those of the generations before it.

    Raises:
        NotEnoughDataError: too few were good enough; all candidates are kept in a file with their reasons.
    """
    number, wanted = generation
    options = boot.options
    concepts = read_concepts(boot.folder / "concepts.jsonl")[options.questions :]
    before = round(MORE_CONCEPTS * sum(options.generations[: number - 1]))
    own = concepts[before : before + round(MORE_CONCEPTS * wanted)]
    asked = SynthOptions(
        least=min(options.least, wanted), most=wanted, min_score=options.min_score, seed=options.seed + 10 * number
    )
    with opened(boot, writer.source) as model:
        writing = Writer(space=boot.space, model=model, program=writer.program)
        candidates = write_examples(writing, own, asked, tell)
    write_candidates(boot.folder / f"candidates-{number}.jsonl", candidates)
    kept = kept_of(candidates, asked)
    earlier = [row for n in range(1, number) for row in read_json(boot.folder / f"kept-{n}.json")]
    write_json(boot.folder / f"kept-{number}.json", [one.row() for one in kept])
    path = boot.folder / f"examples-{number}.jsonl"
    write_training(path, [*(Candidate(**row) for row in earlier), *kept])
    score = sum(one.score for one in kept) / len(kept)
    note = f"{len(kept)} kept of {len(candidates)} by {writer.name}, mean score {score:.3f}"
    return {
        "training": str(path),
        "writer": writer.name,
        "written": len(candidates),
        "kept": len(kept),
        "score": round(score, 4),
        "refused": reasons_of(candidates),
        "note": note,
    }


def tuned_step(boot: Boot, number: int, training: Path) -> Contender:
    """A generation, unless it is done."""
    name = f"v{number}"
    if name not in boot.done:
        made = tuned_model(boot, name, training)
        size = Path(made.source).stat().st_size / 1e6
        boot.keep(name, {"gguf": made.source, "note": f"{size:.1f} MB"})
    return Contender(name=name, source=str(boot.done[name]["gguf"]), program=boot.space.short_program())


def tuned_model(boot: Boot, name: str, training: Path, *, people: bool = False) -> Contender:
    """Tuned from the base on examples, exported, judged on those that are held out: all that `afina learn` does, in a folder of its own.

    `people`: something in it was said by people, and is scrubbed. What a model made up is nobody's: a mask in its place would be learnt.
    """
    settings = boot.space.settings
    privacy = settings.privacy.model_copy(update={"scrub": settings.privacy.scrub and people})
    evaluate = settings.evaluate.model_copy(update={"min_items": FEWEST, "max_corrections": 0})
    settings = settings.model_copy(update={"privacy": privacy, "evaluate": evaluate})
    if boot.options.minutes:
        options = settings.train.training.model_copy(update={"minutes": boot.options.minutes})
        settings = settings.model_copy(update={"train": settings.train.model_copy(update={"training": options})})
    folder = boot.folder / name
    report = learn(Lesson(data=training, folder=folder), settings, boot.stages.narrator, resume=True)
    project = folder_project(folder, settings)
    gguf = project.paths.data / project.ledger.version(report["tasks"][0]["version"]).gguf
    return Contender(name=name, source=str(gguf), program=boot.space.short_program())
