"""`afina synth`: a model writes answers to concepts, the good ones become examples."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import zip_longest
from pathlib import Path
from typing import Any

from afina.chat.blocks import written_as
from afina.errors import NotEnoughDataError
from afina.files.rows import as_lines
from afina.flows.role_model import Ask, RoleModel
from afina.flows.role_space import RoleSpace
from afina.progress import Tell, unheard
from afina.roles import Role
from afina.store.paths import write_whole
from afina.synth.candidates import MIN_SCORE, Candidate, Filter, Written, judged, too_few
from afina.synth.concepts import Concept
from afina.synth.program import Program

ROUNDS = 3
"""Document 001's remedy for too few good examples, or too many that are alike: two or three times as many are written …"""
ANGLES = ("", "Begin with the people who use it.", "Begin with what can go wrong.")
"""… with several prompts: what each round adds to the instructions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthOptions:
    """`least`: fewest examples that must be kept; `most`: so many are enough, 0 = all. `rounds`: how often a concept whose answer was
    refused is asked again.
    """

    least: int = 100
    most: int = 0
    min_score: float = MIN_SCORE
    rounds: int = ROUNDS
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes: a model, asked as a program says, for a role."""

    space: RoleSpace
    model: RoleModel
    program: Program

    def ask(self, question: str, seed: int, turn: int = 0) -> Ask:
        """A question as the model is asked: cooler than in a run first, because what is the likelier text is learnt sooner; in a later turn
        as in a run, and with another angle. A model that was tuned to one prompt is asked with no other.
        """
        told = self.space.system(self.program)
        angle = "" if self.space.is_tuned(self.program) else ANGLES[turn % len(ANGLES)]
        turns = self.program.turns(question, f"{told} {angle}".rstrip())
        found = self.space.ask(turns, question, seed + turn)
        assert found.drawn is not None  # a role's answers are
        cooler = replace(found.drawn, temperature=self.space.role.form.generation.example_temperature)
        return found if turn else replace(found, drawn=cooler)


def write_examples(
    writer: Writer, concepts: Sequence[Concept], options: SynthOptions, tell: Tell = unheard
) -> list[Candidate]:
    """A candidate for each concept, of several tries the best one; concepts whose answer was refused are asked again.

    Raises:
        RuntimeFailedError: the model is gone; what was answered is kept.
    """
    how = Filter(schema=writer.space.role.schema, prose=writer.space.prose, min_score=options.min_score)
    written: dict[str, list[Written]] = {concept.id: [] for concept in concepts}
    open_ones, found = list(concepts), list[Candidate]()
    total = len(concepts)
    for turn in range(options.rounds):
        asks = [writer.ask(concept.question, options.seed, turn) for concept in open_ones]
        done = total - len(open_ones)
        replies = writer.model.ask_all(asks, further(tell, done, total))
        for concept, reply in zip(open_ones, replies, strict=True):
            written[concept.id].append(
                Written(
                    id=concept.id,
                    question=concept.question,
                    text=reply.text,
                    error=reply.error,
                    cut=reply.cut,
                    seed=options.seed + turn,
                    language=concept.language,
                )
            )
        found = best_of(judged([one for tries in written.values() for one in tries], how))
        refused = {one.id for one in found if one.reason}
        open_ones = [concept for concept in concepts if concept.id in refused]
        if not open_ones or (options.most and len(found) - len(refused) >= options.most):
            break
    return found


def further(tell: Tell, before: int, total: int) -> Tell:
    """Progress of a round, told as that of all concepts."""
    return lambda done, _of, note: tell(before + done, total, note)


def best_of(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of each concept the kept candidate, else the best refused one."""
    found: dict[str, Candidate] = {}
    for one in candidates:
        other = found.get(one.id)
        if other is None or (not one.reason, one.score) > (not other.reason, other.score):
            found[one.id] = one
    return list(found.values())


def kept_of(candidates: Sequence[Candidate], options: SynthOptions) -> list[Candidate]:
    """The examples: where more are good than are wanted the best ones, as many of each language, in their order. Of all languages together
    a small base's best ones are in the one that it knows.

    Raises:
        NotEnoughDataError: fewer than `least`; says why, and names what helps.
    """
    good = [one for one in candidates if not one.reason]
    if len(good) < options.least:
        told, remedy = too_few(candidates, options.least)
        raise NotEnoughDataError(told, remedy=remedy)
    by_language: dict[str, list[Candidate]] = defaultdict(list)
    for one in sorted(good, key=lambda one: -one.score):
        by_language[one.language].append(one)
    in_turn = [one for best in zip_longest(*by_language.values()) for one in best if one is not None]
    best = in_turn[: options.most or None]
    return [one for one in good if one in best]


def write_training(path: Path, kept: Sequence[Candidate], form: str) -> None:
    """Examples as the kind reads them: the question and the right answer in the `form` that is trained, the source said."""
    rows = [
        {"id": one.id, "text": one.question, "expected": written_as(one.answer, form), "score": one.score}
        for one in kept
    ]
    write_whole(path, as_lines(rows))


def write_candidates(path: Path, candidates: Sequence[Candidate]) -> None:
    """All of them with their scores and reasons."""
    write_whole(path, as_lines([one.row() for one in candidates]))


def write_chat_dataset(folder: Path, role: Role, kept: Sequence[Candidate], *, split: float) -> dict[str, int]:
    """Examples as a chat dataset that `datasets.load_dataset(FOLDER)` reads, as they are trained here. Returns the sizes of its parts.

    Args:
        split: share of the training part; which rows it has hangs on their ids alone.
    """
    order = sorted(kept, key=lambda one: blake2b(one.id.encode(), digest_size=8).digest())
    edge = round(split * len(order))
    parts = {"train": order[:edge], "validation": order[edge:]}
    for name, rows in parts.items():
        chats = [chat_row(role.prompt, one, written_as(one.answer, role.trained_in)) for one in rows]
        write_whole(folder / f"{name}.jsonl", as_lines(chats))
    return {name: len(rows) for name, rows in parts.items()}


def chat_row(prompt: str, one: Candidate, answer: str) -> dict[str, Any]:
    """An example as a chat."""
    turns = (("system", prompt), ("user", one.question), ("assistant", answer))
    return {
        "messages": [{"role": role, "content": content} for role, content in turns],
        "id": one.id,
        "score": one.score,
    }
