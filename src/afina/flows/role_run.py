"""A role at work, and the chain BA → PO → Architect → Dev → QA: every answer is checked before the next role reads it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.errors import InputError, RoleError
from afina.flows.concepts import require_concept
from afina.flows.role_model import Reply, RoleModel, open_model
from afina.flows.role_space import RoleSpace, current_model
from afina.progress import Stages, Tell, unheard
from afina.records import Turn
from afina.roles import check_answer
from afina.roles.artifacts import as_yaml, joined, questions_of, read_artifact
from afina.roles.checks import ID, read_answer
from afina.store.paths import read_json, write_json, write_whole
from afina.synth.candidates import renumbered
from afina.synth.concepts import question_of
from afina.synth.program import Program

TRIES = 2
"""The first one, and one with the reasons why it was not taken."""
MUST = ("read", "schema", "ids", "references", "code")
"""Checks without which the next role cannot work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A role's answer to its questions. `tries`: how often it was asked in all."""

    artifact: dict[str, Any]
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    tries: int
    seconds: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A role with the model that answers for it."""

    space: RoleSpace
    source: str
    program: Program


def work(
    worker: Worker, model: RoleModel, questions: Sequence[str], *, seed: int = 0, tell: Tell = unheard
) -> Answered:
    """Ask every question; what is not taken is asked once more with the reasons.

    Raises:
        RoleError: an answer cannot be used; says what is wrong with it.
    """
    texts, tries, seconds, scores = [], 0, 0.0, []
    for at, question in enumerate(questions):
        text, used, took = answer_of(worker, model, question, seed)
        texts.append(text)
        tries, seconds = tries + used, seconds + took
        scores.append(check_answer(text, question, worker.space.role.schema).score)
        tell(at + 1, len(questions), "")
    artifact = joined(apart([read_answer(text) for text in texts], questions, worker.space.role.schema))
    return Answered(
        artifact=artifact,
        questions=tuple(questions),
        answers=tuple(texts),
        tries=tries,
        seconds=seconds,
        score=sum(scores) / len(scores),
    )


def apart(answers: list[dict[str, Any]], questions: Sequence[str], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Answers whose files lie in a folder for each question, named by its first id: two stories may both call theirs `app.py`."""
    if len(answers) < 2 or not schema.get("x-code"):
        return answers
    found = []
    for at, (answer, question) in enumerate(zip(answers, questions, strict=True), start=1):
        name = ID.search(question)
        place = (name[0] if name else f"part{at}").lower()
        found.append({**answer, "files": [{**file, "path": f"{place}/{file['path']}"} for file in answer["files"]]})
    return found


def answer_of(worker: Worker, model: RoleModel, question: str, seed: int) -> tuple[str, int, float]:
    """(answer, tries, seconds).

    Raises:
        RoleError: see `work`.
    """
    role = worker.space.role
    turns = worker.program.turns(question, worker.space.system(worker.program))
    seconds, wrong = 0.0, list[str]()
    for turn in range(TRIES):
        reply = model.ask(worker.space.ask(turns, seed + turn))
        seconds += reply.seconds
        text = renumbered(reply.text)
        wrong = faults(reply, text, question, role.schema)
        if not wrong:
            return text, turn + 1, seconds
        told = (
            "This cannot be used:\n"
            + "\n".join(f"- {one}" for one in wrong)
            + "\nWrite it again, whole, without these faults."
        )
        turns = (*turns, Turn("assistant", reply.text), Turn("user", told))
    raise RoleError(
        f"{role.name} gave no answer that can be used, twice: {'; '.join(wrong)}",
        remedy=f"another model (--model), or tune one: afina bootstrap {role.name}; what the roles before it wrote is kept",
    )


def faults(reply: Reply, text: str, question: str, schema: dict[str, Any]) -> list[str]:
    """Why an answer is not taken."""
    if reply.error:
        return [reply.error]
    checked = check_answer(text, question, schema)
    if all(checked.scores.get(name, 1.0) == 1 for name in MUST):
        return []
    cut = ["it was cut off: its tokens ran out"] if reply.cut else []
    return [*cut, *checked.problems] or ["it breaks the schema"]


def run_role(worker: Worker, questions: Sequence[str], stages: Stages, *, seed: int = 0) -> Answered:
    """One role: its model is opened, asked, closed."""
    name = worker.space.role.name
    with stages.stage(name) as stage:
        with open_model(worker.source, worker.space.settings, worker.space.folder) as model:
            answered = work(worker, model, questions, seed=seed, tell=stage.tell)
        again = f", {answered.tries - len(questions)} asked again" if answered.tries > len(questions) else ""
        stage.note = f"score {answered.score:.2f}, {answered.seconds:.0f} s of writing{again}"
    return answered


OpenWorker = Callable[[str], Worker]
"""A role's name → who answers for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The roles of a chain, where their files go, and who answers."""

    names: tuple[str, ...]
    folder: Path
    worker: OpenWorker
    seed: int = 0

    def file(self, worker: Worker) -> Path:
        """A role's artifact."""
        return self.folder / worker.space.role.form.writes

    @property
    def state(self) -> Path:
        """What each artifact was made from."""
        return self.folder / "chain.json"


def run_chain(
    chain: Chain,
    concept: str,
    stages: Stages,
    *,
    kept: Callable[[Worker, Answered], str] = lambda _worker, _answered: "",
) -> dict[str, Any]:
    """From a concept to code and tests. A link whose model, seed and question have not changed, and whose file is there, is not asked again:
    an edited file goes on to the roles behind it, a broken chain goes on where it broke. Another seed does not replace an edited file.
    `kept` writes a run down and names it.

    Raises:
        InputError: no concept, or a file was edited so that it cannot be read. RoleError: a role's answer cannot be used.
    """
    require_concept(concept, "concept")
    known = read_json(chain.state) if chain.state.is_file() else {}
    artifacts: dict[str, dict[str, Any]] = {}
    told: dict[str, Any] = {}
    for name in chain.names:
        worker = chain.worker(name)
        reads = worker.space.role.form.reads
        questions = questions_of(worker.space.role, artifacts) if reads else [concept_question(concept)]
        mark = blake2b(json.dumps([worker.source, *questions]).encode(), digest_size=12).hexdigest()
        path = chain.file(worker)
        if is_done(known.get(name, {}), path, mark, chain.seed):
            artifacts[name] = checked_file(worker, path)
            told[name] = {**known[name], "file": str(path), "kept": True}
            continue
        answered = run_role(worker, questions, stages, seed=chain.seed)
        write_artifact(worker, answered, chain.folder)
        artifacts[name] = answered.artifact
        known[name] = {
            "mark": mark,
            "seed": chain.seed,
            "written": content_mark(path),
            "model": worker.source,
            "run": kept(worker, answered),
            "score": round(answered.score, 4),
            "tries": answered.tries,
        }
        write_json(chain.state, known)
        told[name] = {**known[name], "file": str(path), "kept": False}
    return told


def is_done(known: dict[str, Any], path: Path, mark: str, seed: int) -> bool:
    """Whether a link need not be asked: its file is there, made of the same question and drawn alike, or edited since."""
    if known.get("mark") != mark or not path.is_file():
        return False
    return known.get("seed", seed) == seed or known["written"] != content_mark(path)


def content_mark(path: Path) -> str:
    """Equal for files with the same bytes."""
    return blake2b(path.read_bytes(), digest_size=12).hexdigest()


def concept_question(concept: str) -> str:
    """A concept as the first role is asked; who wrote the word before it keeps it."""
    plain = concept.strip()
    return plain if plain.lower().startswith(("concept:", "concepto:")) else question_of(plain, language_of(plain))


def language_of(text: str) -> str:
    """Spanish or English, by its commonest words."""
    words = set(text.lower().split())
    return "es" if len(words & {"de", "para", "los", "las", "una", "que", "con", "el", "la"}) >= 2 else "en"


def checked_file(worker: Worker, path: Path) -> dict[str, Any]:
    """An artifact that is there, which a person may have edited.

    Raises:
        InputError: it breaks the role's schema; names the place.
    """
    found = read_artifact(path)
    schema = worker.space.role.schema
    many = any(read.each for read in worker.space.role.form.reads)
    checked = check_answer(json.dumps(found, default=str), "", schema)
    if not many and checked.scores["schema"] < 1:  # answers put together have longer lists than one may have
        raise InputError(
            f"{path}: {checked.problems[0]}", remedy="mend the file, or remove it to have it written again"
        )
    return found


def write_artifact(worker: Worker, answered: Answered, folder: Path) -> Path:
    """An answer as the role's YAML file; a developer's files beside it."""
    path = folder / worker.space.role.form.writes
    write_whole(path, as_yaml(answered.artifact))
    if worker.space.role.schema.get("x-code"):
        code = folder.parent / "code"
        for file in answered.artifact["files"]:
            target = code / file["path"].strip()
            if not target.resolve().is_relative_to(code.resolve()):
                raise RoleError(f"{worker.space.role.name} wants to write {file['path']!r}, outside of {code}")
            write_whole(target, file["content"].rstrip() + "\n")
    return path


def worker_of(space: RoleSpace, model: str = "") -> Worker:
    """Who answers for a role: the given model, what `config.yaml` names, the tuned one, the base."""
    space, source, program = current_model(space, model)
    return Worker(space=space, source=source, program=program)
