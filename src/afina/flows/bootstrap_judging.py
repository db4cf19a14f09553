"""Everybody of a bootstrap beside each other on the authored examples; who writes next, and who answers for the role."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from afina.errors import InputError
from afina.files.forms import Form, Identity, Text, read_forms
from afina.flows.boot import Boot, answering
from afina.flows.role_compare import (
    BOUND,
    FREE,
    SHARED,
    Contender,
    ask_contenders,
    figures,
    role_set,
    role_verdict,
    seed_items,
    stress_items,
)
from afina.progress import Tell
from afina.records import Outcome
from afina.roles import Seed
from afina.store.paths import write_json, write_whole
from afina.synth.program import read_program, write_program
from afina.verdict.record import to_json

BASE, ASKED_WELL, REFERENCE = "base", "base+program", "reference"
CLOSE = 0.9
"""Share of the best writer's score from which the newest generation writes the next examples."""


def contenders_of(boot: Boot) -> list[Contender]:
    """The untuned base, asked at length, and as the search found, unless that is the same; the reference, where there is one."""
    # A role may be tuned again without a bootstrap: then there is what `afina tune-prompt` found, if anything.
    own = next((path for path in (boot.program, boot.space.program) if path.is_file()), None)
    start = boot.space.start_program()
    found = read_program(own, role=boot.space.role.name) if own else start
    other, same = boot.options.reference, replace(found, found={}) == start
    return [
        *([Contender(name=REFERENCE, source=other, program=start)] if other else []),
        Contender(name=BASE, source=boot.base_source, program=start),
        *([] if same else [Contender(name=ASKED_WELL, source=boot.base_source, program=found)]),
    ]


def judge_step(boot: Boot, held_out: Sequence[Seed], tuned: Sequence[Contender], tell: Tell) -> dict[str, Any]:
    """Everybody on the authored examples that nobody has seen, free and bound; the newest generation against the base."""
    items = seed_items(boot.space, held_out)
    contenders = [*contenders_of(boot), *tuned]
    found: dict[str, Any] = {}
    for name in (FREE, BOUND):
        eval_set = role_set(boot.space, items, bound=name == BOUND)
        scored = ask_contenders(boot.space, contenders, eval_set, tell)
        found[name] = {one.name: figures(one) for one in scored}
        require_answers(found[name])
        if tuned and name == FREE:
            verdict = role_verdict(boot.space, scored, BASE, tuned[-1].name)
            found["verdict"] = {**to_json(verdict), "p_value": verdict.p_value}
    measure = SHARED[0]
    told = ", ".join(f"{name} {row[measure]:.3f}" for name, row in found[FREE].items())
    outcome = f"; {found['verdict']['outcome']} over the base" if tuned else ""
    return {**found, "note": f"free: {told}{outcome}"}


def require_answers(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a model that answered nothing: as zeros it would stand beside the others, and say something untrue of it.

    Raises:
        InputError: names it.
    """
    for name, row in found.items():
        if row["failed"] == row["items"]:
            raise InputError(
                f"{name} answered none of {row['items']} questions",
                remedy=f"address, model and key (AFINA_KEY_{name.upper()}): ask it one question by hand; --reference can be left out",
            )


def next_writer(boot: Boot, tuned: Sequence[Contender], judged: dict[str, Any]) -> Contender:
    """Who writes the next examples: the newest generation, unless it is clearly worse than the best so far, bound as examples are written. What
    a tuned model has written is the likelier text to the next one, which is tuned from the same base; it is asked shortly, and ends its texts.
    """
    scores = {name: float(row[SHARED[0]]) for name, row in judged[BOUND].items()}
    own = [*(one for one in contenders_of(boot) if one.name != REFERENCE), *tuned]
    best = max(own, key=lambda one: scores[one.name])
    newest = own[-1]
    return newest if tuned and scores[newest.name] >= CLOSE * scores[best.name] else best


def choose(boot: Boot, tuned: Sequence[Contender]) -> dict[str, Any]:
    """Let the newest generation answer for the role that is surely better than the base when nothing binds it, and no worse than the base
    asked well when the schema does, as the roles run; without one whoever answered before goes on, unless it is one of these, with the
    base and the prompt that it had.
    """
    space = boot.space
    if not (space.best.is_file() or space.base_file.is_file() or space.program.is_file()):
        take_over(boot)
    for number in range(len(tuned), 0, -1):
        judged = boot.done[f"judge-{number}"]
        bound = judged[BOUND]
        no_worse = bound[f"v{number}"][SHARED[0]] >= max(
            bound[name][SHARED[0]] for name in (BASE, ASKED_WELL) if name in bound
        )
        if judged["verdict"]["outcome"] == Outcome.GO and no_worse:
            one = tuned[number - 1]
            take_over(boot)
            write_json(space.best, {"source": space.below(Path(one.source)), "name": one.name, "over": BASE})
            return {"chosen": one.name, "note": one.name}
    if answering(boot.folder):
        space.best.unlink()
    return {"chosen": "", "note": "–"}


def take_over(boot: Boot) -> None:
    """Make the bootstrap's base the role's, asked as its search found."""
    write_program(boot.space.program, read_program(boot.program, role=boot.space.role.name))
    write_whole(boot.space.base_file, boot.base + "\n")


class StressRow(Form):
    """A line of `stress.jsonl`; `case` says what makes it hard."""

    id: Identity
    case: str = Field(min_length=1)
    input: Text = Field(min_length=1)
    language: str = ""


def stress_file(boot: Boot) -> Path:
    """The role's hard cases."""
    return boot.space.role.folder / "stress.jsonl"


def stress_rows(boot: Boot) -> list[StressRow]:
    """What is in it; nothing where there is none.

    Raises:
        InputError: names line and key, or an id that is there twice.
    """
    path, found = stress_file(boot), dict[str, StressRow]()
    for where, row in read_forms(StressRow, path) if path.is_file() else ():
        if row.id in found:
            raise InputError(f"{where}: the id {row.id!r} is there twice")
        found[row.id] = row
    return list(found.values())


def stress_step(boot: Boot, newest: Contender, tell: Tell) -> dict[str, Any]:
    """The base and the newest generation on hard cases, bound as the roles run: they are shown, they decide nothing."""
    rows = stress_rows(boot)
    eval_set = role_set(
        boot.space, stress_items(boot.space, [(row.id, row.input) for row in rows]), bound=True, name="stress"
    )
    scored = ask_contenders(boot.space, [contenders_of(boot)[-1], newest], eval_set, tell)
    found = {one.name: figures(one) for one in scored}
    by_case = {
        one.name: {f"{row.id} ({row.case})": round(one.scores[SHARED[0]][row.id], 3) for row in rows} for one in scored
    }
    told = ", ".join(f"{name} {row[SHARED[0]]:.3f}" for name, row in found.items())
    return {"figures": found, "cases": by_case, "note": f"{len(rows)} hard cases: {told}"}
