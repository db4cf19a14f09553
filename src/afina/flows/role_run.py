"""A role at work: its answers are checked, and asked for once more with what is wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from afina.errors import RoleError
from afina.files import NOTICES
from afina.flows.role_model import Reply, RoleModel, open_model
from afina.flows.role_space import RoleSpace, current_model
from afina.progress import Stages, Tell, unheard
from afina.records import Turn
from afina.roles import check_answer
from afina.roles.artifacts import joined
from afina.roles.checks import ID, read_answer
from afina.synth.candidates import renumbered
from afina.synth.concepts import question_of
from afina.synth.program import Program, changed

TRIES = 2
"""The first one, and one with the reasons why it was not taken."""
WANTED = "covers"
"""What is asked for once more, and then said: a small model forgets a requirement, and a person can add it."""


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


@dataclass(frozen=True, slots=True)
class Seeds:
    """Where drawing begins. `failed`: question → how often its answers could not be used: the next ones are drawn otherwise."""

    first: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def of(self, question: str) -> int:
        """The first seed of a question's answers."""
        return self.first + TRIES * self.failed[question_mark(question)]


def question_mark(question: str) -> str:
    """A short name of a question."""
    return blake2b(question.encode(), digest_size=8).hexdigest()


def work(
    worker: Worker, model: RoleModel, questions: Sequence[str], *, seeds: Seeds | None = None, tell: Tell = unheard
) -> Answered:
    """Ask every question; what is not taken is asked once more with the reasons.

    Raises:
        RoleError: an answer cannot be used; says what is wrong with it.
    """
    seeds = seeds or Seeds()
    texts, tries, seconds, scores = [], 0, 0.0, []
    for at, question in enumerate(questions):
        try:
            text, used, took = answer_of(worker, model, question, seeds.of(question))
        except RoleError:
            seeds.failed[question_mark(question)] += 1
            raise
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
    said: tuple[Turn, ...] = ()
    seconds, wrong, usable = 0.0, list[str](), ("", list[str]())
    for turn in range(TRIES):
        reply = model.ask(worker.space.ask(turns_that_fit(worker, model, question, said), question, seed + turn))
        seconds += reply.seconds
        text = renumbered(reply.text)
        wrong, can_be_used = faults(reply, text, question, role.schema)
        if not wrong:
            return text, turn + 1, seconds
        better = can_be_used and (not usable[0] or len(wrong) < len(usable[1]))
        usable = (text, wrong) if better else usable
        told = (
            "This cannot be used:\n"
            + "\n".join(f"- {one}" for one in wrong)
            + "\nWrite it again, whole, without these faults."
        )
        said = (Turn("assistant", reply.text), Turn("user", told))
    if usable[0]:
        NOTICES.warning("%s, asked twice: %s", role.name, "; ".join(usable[1]))
        return usable[0], TRIES, seconds
    raise RoleError(
        f"{role.name} gave no answer that can be used, twice: {'; '.join(wrong)}",
        remedy=f"again: the next answers are others; another model (--model), or tune one (afina bootstrap {role.name}); what is done is kept",
    )


def turns_that_fit(worker: Worker, model: RoleModel, question: str, said: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The chat with what was `said` since, and so many of the program's examples as leave room for the longest answer: a search measured its own
    questions, and a concept may have two pages.

    Raises:
        RoleError: there is no room without examples either.
    """
    space, program = worker.space, worker.program
    most = space.role.form.generation.max_tokens
    for count in range(len(program.examples), -1, -1):
        shown = changed(program, instructions=program.instructions, examples=program.examples[:count])
        turns = (*shown.turns(question, space.system(program)), *said)
        if not model.context or len(model.client.prompt_ids(turns)) + most <= model.context:
            return turns
    room = len(model.client.prompt_ids(turns)) + most
    raise RoleError(
        f"{space.role.name}: the question and an answer of {most} tokens have {room} tokens, the context has {model.context}",
        remedy=f"[runtime] context = {room} in afina.toml, a smaller max_tokens for the role, or say it in fewer words",
    )


def faults(reply: Reply, text: str, question: str, schema: dict[str, Any]) -> tuple[list[str], bool]:
    """Why an answer is not taken, and whether it can be used all the same."""
    if reply.error:
        return [reply.error], False
    checked = check_answer(text, question, schema)
    if checked.usable and checked.scores.get(WANTED, 1.0) == 1:
        return [], True
    cut = ["it was cut off: its tokens ran out"] if reply.cut else []
    return [*cut, *checked.problems] or ["it breaks the schema"], checked.usable


def run_role(
    worker: Worker, questions: Sequence[str], stages: Stages, *, seeds: Seeds | None = None, kept: str = ""
) -> Answered:
    """One role: its model is opened, asked, closed. `kept`: file in the role's folder in which its answers are kept; empty = in none."""
    name = worker.space.role.name
    with stages.stage(name) as stage:
        with open_model(worker.source, worker.space.settings, worker.space.folder, kept=kept) as model:
            answered = work(worker, model, questions, seeds=seeds, tell=stage.tell)
        again = f", {answered.tries - len(questions)} asked again" if answered.tries > len(questions) else ""
        stage.note = f"score {answered.score:.2f}, {answered.seconds:.0f} s of writing{again}"
    return answered


def concept_question(concept: str) -> str:
    """A concept as the first role is asked; who wrote the word before it keeps it."""
    plain = concept.strip()
    return plain if plain.lower().startswith(("concept:", "concepto:")) else question_of(plain, language_of(plain))


def language_of(text: str) -> str:
    """Spanish or English, by its commonest words."""
    words = set(text.lower().split())
    return "es" if len(words & {"de", "para", "los", "las", "una", "que", "con", "el", "la"}) >= 2 else "en"


def worker_of(space: RoleSpace, model: str = "") -> Worker:
    """Who answers for a role: the given model, what `config.yaml` names, the tuned one, the base."""
    space, source, program = current_model(space, model)
    return Worker(space=space, source=source, program=program)
