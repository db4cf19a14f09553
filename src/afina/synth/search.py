"""Prompt search by reflection and a Pareto front (GEPA, Agrawal and others 2025, arXiv 2507.19457): the package `gepa` is the core.

What small models make of it, and what is done here about it:
- Their reflections are cut off or no instructions at all, and gepa 0.1.4 takes whatever comes for the next prompt (its issue 390): ours
  are bound by a schema, and where one is not there, no longer names the answer's fields, or was tried before (its issue 379), a fixed
  sentence about the most frequent problem is added instead. A base of 135 million weights writes "solve all the problems you are facing".
- gepa goes on where a proposal raises, and gives back the start for a result: the first error that is no malformed answer is kept, ends
  the search, and is raised.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from gepa.api import optimize
from gepa.core.adapter import EvaluationBatch

from afina.progress import Tell, unheard
from afina.synth.program import Pair, Program, changed

LONGEST = 2500
"""Characters of instructions: a small model's context is soon full."""
SHOWN_PROBLEMS, SHOWN_ANSWER = 4, 600
REFLECTION: dict[str, Any] = {
    "type": "object",
    "properties": {"instructions": {"type": "string", "minLength": 80, "maxLength": LONGEST}},
    "required": ["instructions"],
    "additionalProperties": False,
}
"""What binds a reflection."""
REMEDIES = {
    "read": "Answer with nothing but the JSON.",
    "schema": "Give every field that is asked for, and keep to its length.",
    "ids": "Number the ids one after the other; never give one twice.",
    "references": "Name only ids that are there.",
    "covers": "Take every id of the question in turn; leave none out.",
    "about": "Use the words of the question: its users, its product and each of its needs appear in the answer.",
    "new": "Say nothing twice: each entry names something that no other entry names.",
    "code": "The code must be complete and must run.",
}
"""Check → the sentence that is added where a model has no better idea."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A question with what a program made of it."""

    question: str
    reply: str
    score: float
    scores: Mapping[str, float]
    problems: Sequence[str]


Try = Callable[[Program, Sequence[str]], Sequence[Tried]]
"""Asks questions with a program and judges the answers. A malformed answer is a bad answer; what it raises ends the search."""
Reflect = Callable[[str, int], str]
"""(what to ask, seed) → better instructions, or "" where the answer was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched with: `train` questions are reflected on, `validation` ones choose; `pool` are examples that may be shown.

    `fields`: names that better instructions still have. `calls`: answers that the search may ask for. `candidates` and `trials` are MIPROv2's.
    """

    start: Program
    train: Sequence[str]
    validation: Sequence[str]
    pool: Sequence[Pair]
    attempt: Try
    reflect: Reflect
    calls: int
    fields: Sequence[str] = ()
    most_examples: int = 6
    candidates: int = 8
    trials: int = 10
    seed: int = 0


@dataclass(slots=True)
class Found:
    """The outcome. `skipped`: reflections that were no instructions."""

    program: Program
    start: float
    score: float
    calls: int = 0
    candidates: int = 0
    skipped: int = 0


INSTRUCTIONS, EXAMPLES = "instructions", "examples"
FIRST_EXAMPLES = 2
"""Those that are tried first: of the packaged roles one in each language."""


@dataclass
class Adapter:
    """The search as gepa wants it: a candidate is the instructions and the places of the examples in the pool."""

    search: Search
    tell: Tell
    calls: int = 0
    skipped: int = 0
    error: Exception | None = None
    tried: set[str] = field(default_factory=set)
    rng: random.Random = field(default_factory=random.Random)

    def program(self, candidate: Mapping[str, str]) -> Program:
        """A candidate as a program."""
        shown = [self.search.pool[int(at)] for at in candidate[EXAMPLES].split()]
        return changed(self.search.start, instructions=candidate[INSTRUCTIONS], examples=shown)

    def evaluate(
        self, batch: list[str], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[Tried, str]:
        """Ask and judge."""
        if self.error is not None:
            return EvaluationBatch(outputs=[""] * len(batch), scores=[0.0] * len(batch), trajectories=None)
        try:
            tried = self.search.attempt(self.program(candidate), batch)
        except Exception as exc:
            self.error = exc
            raise
        self.calls += len(batch)
        self.tell(min(self.calls, self.search.calls), self.search.calls, f"{self.calls} answers")
        return EvaluationBatch(
            outputs=[one.reply for one in tried],
            scores=[one.score for one in tried],
            trajectories=list(tried) if capture_traces else None,
        )

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: EvaluationBatch[Tried, str], components_to_update: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """What went wrong, the worst answers first."""
        del candidate
        worst = sorted(eval_batch.trajectories or (), key=lambda one: one.score)
        rows = [
            {"question": t.question, "answer": t.reply, "scores": dict(t.scores), "problems": list(t.problems)}
            for t in worst
        ]
        return dict.fromkeys(components_to_update, rows)

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        """Another text for each part that is to change."""
        found = {}
        for name in components_to_update:
            rows = reflective_dataset.get(name, ())
            found[name] = (
                self.reworded(candidate[name], rows) if name == INSTRUCTIONS else self.reshown(candidate[name])
            )
        return found

    def reworded(self, told: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Instructions from the model's reflection, or with one more sentence about what goes wrong most."""
        try:
            found = self.search.reflect(reflection_prompt(told, rows), self.search.seed + len(self.tried)).strip()
        except Exception as exc:
            self.error = exc
            raise
        lost = [name for name in self.search.fields if name in told and name not in found]
        if not found or lost or found == told or found in self.tried or len(found) > LONGEST:
            self.skipped += 1
            found = with_remedy(told, rows, self.tried)
        self.tried.add(found)
        return found

    def reshown(self, shown: str) -> str:
        """One example more, less, or another."""
        now = shown.split()
        others = [str(at) for at in range(len(self.search.pool)) if str(at) not in now]
        if now and (not others or len(now) >= self.search.most_examples or self.rng.random() < 1 / 3):
            now.pop(self.rng.randrange(len(now)))
        if others and len(now) < self.search.most_examples:
            now.append(self.rng.choice(others))
        return " ".join(now)


def reflection_prompt(told: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """What a model is asked when it is to improve instructions."""
    shown = [
        f"Question: {row['question']}\nAnswer: {str(row['answer'])[:SHOWN_ANSWER]}\n"
        f"What is wrong with it: {'; '.join(row['problems'][:SHOWN_PROBLEMS]) or weakest(row)}"
        for row in rows[:2]
    ]
    return (
        "These instructions are given to a writer:\n---\n"
        + told
        + "\n---\nThis is what came of them:\n\n"
        + "\n\n".join(shown)
        + "\n\nWrite better instructions: keep what is right in them, and add what would have prevented these faults. "
        "Write them for any question of this kind, not for these ones."
    )


def weakest(row: Mapping[str, Any]) -> str:
    """The remedy of the lowest score, where nothing is plainly wrong."""
    scores: Mapping[str, float] = row["scores"]
    name = min(scores, key=lambda one: scores[one], default="")
    return REMEDIES.get(name, "")


def with_remedy(told: str, rows: Sequence[Mapping[str, Any]], tried: set[str]) -> str:
    """The instructions with the sentence for the check that loses most, of those that were not tried with them."""
    lost: Counter[str] = Counter()
    for row in rows:
        for name, value in row["scores"].items():
            lost[name] += round(1000 * (1 - value))
    for name, _ in lost.most_common():
        found = f"{told}\n{REMEDIES.get(name, '')}".strip()
        if REMEDIES.get(name, told) not in told and found not in tried and len(found) <= LONGEST:
            return found
    return told


class Quiet:
    """Takes gepa's log, which is not for the terminal."""

    def log(self, message: str) -> None:
        """Nothing."""


def first_candidates(search: Search) -> list[dict[str, str]]:
    """The start; and with the first examples, unless it shows some: a short search would come to them by chance alone."""
    places = {pair: str(at) for at, pair in enumerate(search.pool)}
    start = {
        INSTRUCTIONS: search.start.instructions,
        EXAMPLES: " ".join(places[pair] for pair in search.start.examples if pair in places),
    }
    first = " ".join(str(at) for at in range(min(FIRST_EXAMPLES, search.most_examples, len(search.pool))))
    return [start] if start[EXAMPLES] or not first else [start, {**start, EXAMPLES: first}]


def search_by_reflection(search: Search, tell: Tell = unheard) -> Found:
    """The best program for a role within so many answers. The start is the first candidate: nothing worse is given back.

    Raises:
        Exception: whatever `attempt` and `reflect` raise.
    """
    adapter = Adapter(search=search, tell=tell, rng=random.Random(search.seed))
    first = first_candidates(search)
    scores = [fmean(adapter.evaluate(list(search.validation), one).scores) for one in first]
    adapter.calls -= len(search.validation)  # gepa asks for the better one's again, which are kept
    result: Any = optimize(
        seed_candidate=first[scores.index(max(scores))],
        trainset=list(search.train),
        valset=list(search.validation),
        adapter=adapter,  # type: ignore[arg-type]  # gepa asks whether it proposes by an attribute, which a method is not to mypy
        max_metric_calls=max(1, search.calls - adapter.calls),
        reflection_minibatch_size=min(3, len(search.train)),
        skip_perfect_score=False,
        stop_callbacks=lambda _state: adapter.error is not None,
        logger=Quiet(),
        seed=search.seed,
    )
    if adapter.error is not None:
        raise adapter.error
    best = result.best_idx
    return Found(
        program=adapter.program(result.candidates[best]),
        start=scores[0],
        score=result.val_aggregate_scores[best],
        calls=adapter.calls,
        candidates=len(result.candidates) + len(first) - 1,
        skipped=adapter.skipped,
    )
