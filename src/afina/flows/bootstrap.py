"""`afina bootstrap`: from a few authored examples to a tuned model, without anybody's API (document 001): base → prompt search →
examples → tuned v1 → more examples → tuned v2. Every step is kept when it is done; the same command goes on behind the last one.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from afina.bases import resolve_base
from afina.errors import InputError, NotEnoughDataError
from afina.files import NOTICES
from afina.flows.boot import CHOSEN, Boot, Booted, opened, resume
from afina.flows.bootstrap_judging import choose, judge_step, next_writer, stress_rows, stress_step
from afina.flows.bootstrap_training import expected_training, tuned_step
from afina.flows.concepts import questions_for, read_concepts, write_concepts
from afina.flows.role_compare import LEAST_JUDGED, Contender
from afina.flows.role_model import RoleModel
from afina.flows.synth import SynthOptions, Writer, kept_of, write_candidates, write_examples, write_training
from afina.flows.tune_prompt import (
    SearchOptions,
    Trial,
    is_better,
    outcome_of,
    parted_seeds,
    require_calls,
    tune_prompt,
)
from afina.progress import Tell
from afina.runtime.gguf_config import gguf_config
from afina.store.paths import read_json, write_json
from afina.synth.candidates import Candidate, reasons_of
from afina.synth.concepts import Wanted, diversity
from afina.synth.program import Program, write_program

LEAST_CONCEPTS, MORE_CONCEPTS = 1.5, 2.0
"""Concepts for each example that is wanted: some answers are refused, and of the good ones the best are taken."""
LOW_SCORE = 0.65
"""Document 001's least score of a base; below it the prompt search is twice as long."""
MEASURED = 3
"""Questions by which a base's speed is measured."""


def bootstrap(boot: Boot) -> Booted:
    """All steps that are not done. Returns what each came to.

    Raises:
        InputError: too few authored examples, or calls. NotEnoughDataError: too few written ones were good enough; says what helps.
    """
    seen, held_out = parted_seeds(boot.space.role.seeds())
    languages = boot.options.languages or tuple(dict.fromkeys(seed.language for seed in seen))
    held_out = tuple(seed for seed in held_out if seed.language in languages)
    if not held_out:
        raise InputError(f"no authored example in {', '.join(languages)} is held out: nothing could be judged")
    if len(held_out) < LEAST_JUDGED:
        NOTICES.warning(
            "%d authored examples are held out, a verdict needs %d: all that can be said is what was found",
            len(held_out),
            LEAST_JUDGED,
        )
    require_calls(boot.options.calls, boot.options.questions)
    require_trainable(boot.base)
    hard_cases = stress_rows(boot)
    resume(boot)
    boot.step("budget", lambda _tell: budget(boot, len(held_out)))
    boot.step("concepts", lambda tell: concepts_step(boot, languages, tell))
    boot.step("program", lambda tell: program_step(boot, tell))
    judged = boot.step("judge-base", lambda tell: judge_step(boot, held_out, (), tell))
    tuned: list[Contender] = []
    for number, wanted in enumerate(boot.generations, start=1):
        writer = next_writer(boot, tuned, judged)
        work = partial(examples_step, boot, (number, wanted), writer)
        examples = boot.step(f"examples-{number}", work)
        tuned.append(tuned_step(boot, number, boot.space.folder / examples["training"]))
        judged = boot.step(f"judge-{number}", lambda tell: judge_step(boot, held_out, tuple(tuned), tell))
    if hard_cases:
        boot.step("stress", lambda tell: stress_step(boot, tuned[-1], tell))
    boot.step(CHOSEN, lambda _tell: choose(boot, tuned))
    return Booted(steps=boot.done, held_out=held_out, generations=len(tuned))


def require_trainable(base: str) -> None:
    """Refuse what cannot be tuned before hours are spent on it.

    Raises:
        ModelError: it is not here, or its family is not known.
    """
    path = resolve_base(base)
    if path.is_file():
        gguf_config(path)


def budget(boot: Boot, judged: int) -> dict[str, Any]:
    """What is going to be written, and how long that takes: said before anything is spent. `judged`: authored examples of each judging."""
    options, space = boot.options, boot.space
    generations, training, remedies = options.generations, options.minutes * len(options.generations), list[str]()
    if not training:
        generations, training, remedies = expected_training(space, options.generations)
    with opened(boot, boot.base_source) as model:
        writer = Writer(space=space, model=model, program=space.start_program())
        replies = model.ask_all([writer.ask(seed.question, 0) for seed in space.role.seeds()[:MEASURED]])
    if not any(reply.text for reply in replies):
        raise InputError(
            f"{boot.base} answers nothing: {replies[0].error or 'no token'}",
            remedy="another base (--base); afina bench-models compares some",
        )
    tokens = sum(reply.tokens for reply in replies) / MEASURED
    seconds = sum(reply.seconds for reply in replies) / MEASURED / max(1, space.settings.runtime.slots)
    written = options.calls + round(MORE_CONCEPTS * sum(generations))
    answers = written + 2 * judged * (2 + len(generations))  # free and bound: the base twice, each generation once
    writing = seconds * answers / 60
    told = f"about {writing:.0f} minutes of writing ({answers} answers, {tokens:.0f} tokens each), up to {training:.0f} of training; "
    told += "more where answers are refused and asked for again, or the base is weak and the search twice as long"
    return {
        "answers": answers,
        "tokens": round(tokens),
        "minutes": round(writing + training, 1),
        "generations": list(generations),
        "remedies": remedies,
        "note": "; ".join((told, *remedies)),
    }


def concepts_step(boot: Boot, languages: Sequence[str], tell: Tell) -> dict[str, Any]:
    """Concepts for all generations and for the search, each used once.

    Raises:
        NotEnoughDataError: there are too few, of a role that begins from the answers of another one.
    """
    count = boot.options.questions + round(MORE_CONCEPTS * sum(boot.generations))
    wanted = Wanted(count=count, languages=tuple(languages), seed=boot.options.seed)
    found = questions_for(boot.space, wanted, tell=tell)
    least = boot.options.questions + round(LEAST_CONCEPTS * sum(boot.generations))
    if len(found) < least:
        fewer = (len(found) - boot.options.questions) / LEAST_CONCEPTS / sum(boot.generations)
        other = ",".join(str(math.floor(fewer * one)) for one in boot.generations)
        role = boot.space.role.name
        raise NotEnoughDataError(
            f"there are {len(found)} questions for {role}, {least} are needed",
            remedy=f"--examples {other}, or more examples of the roles before it: afina bootstrap, afina synth",
        )
    write_concepts(boot.folder / "concepts.jsonl", found)
    told = diversity(found)
    return {**told, "note": f"{len(found)} concepts, {told['domains']} domains, unique {told['unique']:.0%}"}


def program_step(boot: Boot, tell: Tell) -> dict[str, Any]:
    """The prompt search; twice as long where the base scores low. What may be chance is not taken: it is kept beside."""
    questions = [one.question for one in read_concepts(boot.folder / "concepts.jsonl")[: boot.options.questions]]
    with opened(boot, boot.base_source) as model:
        program = searched(boot, model, questions, 1, tell)
        remedies = []
        if program.found["score"] < LOW_SCORE:
            program = searched(boot, model, questions, 2, tell)
            remedy = f"the base scores below {LOW_SCORE}: the prompt search was twice as long"
            remedies = [remedy]
    taken = is_better(program)
    start = replace(boot.space.start_program(), found=program.found)
    write_program(boot.program, program if taken else start)
    if not taken and program != start:
        write_program(boot.program.with_stem("program-found"), program)
    return {**program.found, "taken": taken, "remedies": remedies, "note": outcome_of(program)}


def searched(boot: Boot, model: RoleModel, questions: Sequence[str], times: int, tell: Tell) -> Program:
    """A search, so many times as long as asked for."""
    trials = times * SearchOptions().trials
    options = SearchOptions(calls=times * boot.options.calls, trials=trials, seed=boot.options.seed)
    return tune_prompt(Trial(boot.space, model, options), questions, boot.optimise(model), tell)


def examples_step(boot: Boot, generation: tuple[int, int], writer: Contender, tell: Tell) -> dict[str, Any]:
    """Examples for a generation, with those of the generations before it.

    Raises:
        NotEnoughDataError: too few were good enough; all candidates are kept in a file with their reasons.
    """
    number, wanted = generation
    options = boot.options
    concepts = read_concepts(boot.folder / "concepts.jsonl")[options.questions :]
    for_each = len(concepts) / sum(boot.generations)
    before = round(for_each * sum(boot.generations[: number - 1]))
    own = concepts[before : before + round(for_each * wanted)]
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
    write_training(path, [*(Candidate(**row) for row in earlier), *kept], boot.space.role.trained_in)
    score = sum(one.score for one in kept) / len(kept)
    note = f"{len(kept)} kept of {len(candidates)} by {writer.name}, mean score {score:.3f}"
    return {
        "training": boot.space.below(path),
        "writer": writer.name,
        "written": len(candidates),
        "kept": len(kept),
        "score": round(score, 4),
        "refused": reasons_of(candidates),
        "note": note,
    }
