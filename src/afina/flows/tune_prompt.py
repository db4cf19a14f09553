"""`afina tune-prompt`: search for the instructions and examples with which a model answers best as a role."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from afina.chat.parse import read_json
from afina.errors import InputError
from afina.evaluate.metrics import Metric, load_metric
from afina.evaluate.metrics.registry import one_score
from afina.files import NOTICES
from afina.flows.role_model import Ask, RoleModel
from afina.flows.role_space import RoleSpace
from afina.progress import Tell, unheard
from afina.records import EvalItem, Turn
from afina.roles import Seed, check_answer
from afina.runtime import Drawn
from afina.synth.program import Pair, Program, changed
from afina.synth.search import REFLECTION, Found, Search, Tried
from afina.verdict.compare import p_positive

SEARCHED = 10
"""Authored examples that a search may see and show, the first ones; the others are held out of everything but the evaluation."""
VALIDATED = 0.5
"""Share of the questions that choose; the others confirm what was chosen."""
SURE, LEAST_CONFIRMING = 0.05, 5
"""p-value below which a found program is better than the start; with four questions it cannot be lower."""
REFLECTION_TOKENS = 700
LEAST_SEEDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """`calls`: answers that a search may ask for. `metric`: what is better; empty = the recipe's. `candidates`, `trials`: MIPROv2's."""

    calls: int = 120
    most_examples: int = 6
    seed: int = 0
    metric: str = ""
    candidates: int = 8
    trials: int = 10


def parted_seeds(seeds: Sequence[Seed]) -> tuple[tuple[Seed, ...], tuple[Seed, ...]]:
    """(may be seen, held out): the first ten, of fewer than 20 the first two fifths.

    Raises:
        InputError: there are too few for both.
    """
    if len(seeds) < LEAST_SEEDS:
        raise InputError(
            f"{len(seeds)} examples: a search needs at least {LEAST_SEEDS}, and an evaluation others that it has not seen",
            remedy="write more of them: document 001 has 25",
        )
    seen = min(SEARCHED, max(2, len(seeds) * 2 // 5))
    return tuple(seeds[:seen]), tuple(seeds[seen:])


def require_calls(calls: int, questions: int) -> None:
    """Refuse a search whose answers do not suffice for the start and one other program, both on every question.

    Raises:
        InputError: says how many are needed.
    """
    if calls < 2 * questions:
        remedy = f"--calls {2 * questions}, or --questions {calls // 2}" if calls >= 8 else f"--calls {2 * questions}"
        raise InputError(
            f"--calls {calls}: {questions} questions need {2 * questions} answers, two prompts with each of them",
            remedy=remedy,
        )


def item_of(space: RoleSpace, question: str) -> EvalItem:
    """A question as the metrics want it."""
    return EvalItem(id="question", turns=(Turn("user", question),), rules={"schema": space.role.schema})


class Trial:
    """Asks and judges for a search. `malformed`: answers that were no structure; they count as bad ones."""

    def __init__(self, space: RoleSpace, model: RoleModel, options: SearchOptions) -> None:
        self.space, self.model, self.options = space, model, options
        names = [options.metric] if options.metric else [*space.settings.task.metrics, "role_score"]
        fitting = [one for one in map(load_metric, names) if one.applies(item_of(space, "?"))]
        if not fitting:
            raise InputError(
                f"--metric {options.metric}: it compares with a right answer, a search has questions alone",
                remedy="role_score, or your own as module:function that needs no expected answer",
            )
        self.metric: Metric = fitting[0]
        self.malformed = 0

    def ask(self, program: Program, question: str) -> Ask:
        """A question with a program, as the role is asked."""
        return self.space.ask(program.turns(question, self.space.system(program)), question, self.options.seed)

    def attempt(self, program: Program, questions: Sequence[str]) -> list[Tried]:
        """Questions with a program.

        Raises:
            InputError: the metric raised. RuntimeFailedError: the model is gone.
        """
        replies = self.model.ask_all([self.ask(program, question) for question in questions])
        return [
            self.tried(question, reply.text, reply.error) for question, reply in zip(questions, replies, strict=True)
        ]

    def tried(self, question: str, reply: str, error: str) -> Tried:
        """A question with its answer, judged."""
        checked = check_answer(reply, question, self.space.role.schema)
        self.malformed += not checked.scores["read"]
        score = one_score(self.metric, item_of(self.space, question), reply) if not error else 0.0
        problems = (error,) if error else checked.problems
        return Tried(question=question, reply=reply, score=score or 0.0, scores=checked.scores, problems=problems)

    def reflect(self, asked: str, seed: int) -> str:
        """Better instructions by the same model; empty where its answer was none."""
        ask = Ask(turns=(Turn("user", asked),), max_tokens=REFLECTION_TOKENS, schema=REFLECTION, drawn=Drawn(0.7, seed))
        found = read_json(self.model.ask(ask).text)
        said = found.get("instructions") if isinstance(found, dict) else None
        return said if isinstance(said, str) else ""


Optimiser = Callable[[Search, Tell], Found]


def tune_prompt(trial: Trial, questions: Sequence[str], optimise: Optimiser, tell: Tell = unheard) -> Program:
    """The best program that the search found, with what it says of itself, whether it `is_better` than the start too.

    Args:
        questions: what is asked; the first half chooses, the second confirms and is not asked before. The authored examples are reflected on.

    Raises:
        InputError: too few examples or calls, or the metric raised. RuntimeFailedError: the model is gone; what was answered is kept.
    """
    space, options = trial.space, trial.options
    require_calls(options.calls, len(questions))
    seen, _ = parted_seeds(space.role.seeds())
    chosen = max(1, round(len(questions) * VALIDATED))
    confirming = questions[chosen:]
    if len(confirming) < LEAST_CONFIRMING:
        NOTICES.warning(
            "%d questions are too few to be sure that a found prompt is better; %d are enough",
            len(questions),
            2 * LEAST_CONFIRMING,
        )
    search = Search(
        start=space.start_program(),
        train=[seed.question for seed in seen],
        validation=questions[:chosen],
        pool=[(seed.question, seed.text) for seed in seen],
        attempt=trial.attempt,
        reflect=trial.reflect,
        calls=options.calls - 2 * len(confirming),
        fields=list(space.role.schema.get("properties", ())),
        most_examples=with_room(trial, [(seed.question, seed.text) for seed in seen], questions),
        candidates=options.candidates,
        trials=options.trials,
        seed=options.seed,
    )
    found = optimise(search, tell)
    sure = confirmed(trial, search.start, found.program, confirming)
    told = {**said_of(found, trial), "calls": found.calls + 2 * sure["confirming"], **sure}
    return replace(found.program, found=told)


def confirmed(trial: Trial, start: Program, found: Program, questions: Sequence[str]) -> dict[str, Any]:
    """The gain of a found program on questions that chose nothing: of several that were tried the best is better on those that chose, by chance
    alone. `p_value`: of a one-sided paired test, as the gate's.
    """
    if found == start or not questions:
        return {"confirming": 0, "gain": 0.0, "p_value": 1.0}
    before, after = ([one.score for one in trial.attempt(program, questions)] for program in (start, found))
    gains = np.subtract(after, before)
    p_value = p_positive(gains, np.arange(len(gains)))
    return {"confirming": len(questions), "gain": round(float(gains.mean()), 4), "p_value": round(p_value, 4)}


def is_better(program: Program) -> bool:
    """Whether a search has confirmed that its program is better than the start."""
    return float(program.found["p_value"]) < SURE


def outcome_of(program: Program) -> str:
    """A search in a line."""
    told = program.found
    line = f"{told['start']:.3f} → {told['score']:.3f} with {told['calls']} answers, {told['malformed']} malformed"
    if not told["confirming"]:
        return line
    sure = "better" if is_better(program) else "may be chance, not taken"
    return f"{line}; on {told['confirming']} others {told['gain']:+.3f}, p = {told['p_value']:.3f}: {sure}"


def with_room(trial: Trial, pool: Sequence[Pair], questions: Sequence[str]) -> int:
    """So many of the longest examples leave room for the longest answer: the four longest ones of the analyst are 2,574 tokens, and what the
    context cuts off would count as malformed.
    """
    most, model = min(trial.options.most_examples, len(pool)), trial.model
    if not model.context:
        return most
    longest = sorted(pool, key=lambda pair: -len("".join(pair)))
    question, start = max(questions, key=len), trial.space.start_program()
    for count in range(most, 0, -1):
        asked = trial.ask(changed(start, instructions=start.instructions, examples=longest[:count]), question)
        if len(model.client.prompt_ids(asked.turns)) + asked.max_tokens <= model.context:
            return count
    return 0


def said_of(found: Found, trial: Trial) -> dict[str, Any]:
    """What a program's file says of its search."""
    told = {name: value for name, value in asdict(found).items() if name != "program"}
    return {
        **told,
        "metric": trial.metric.name,
        "model": trial.model.name,
        "malformed": trial.malformed,
        "asked": trial.model.asked,
        "reused": trial.model.reused,
        "seed": trial.options.seed,
    }
