"""Tune a role again with what people found good; it replaces the tuned model that answers now only where it is surely better."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.errors import InputError, NotEnoughDataError
from afina.files import NOTICES
from afina.files.rows import as_lines, read_rows
from afina.flows.boot import Boot, kept_steps
from afina.flows.bootstrap_judging import contenders_of
from afina.flows.bootstrap_training import tuned_model
from afina.flows.concepts import plain_concept
from afina.flows.privacy import policy_of
from afina.flows.role_compare import (
    BOUND,
    FREE,
    LEAST_JUDGED,
    SHARED,
    Contender,
    ask_contenders,
    figures,
    role_set,
    role_verdict,
    seed_items,
)
from afina.flows.role_model import open_model, source_of
from afina.flows.role_privacy import scrubbed_run
from afina.flows.role_ratings import RunRow, good_runs, training_rows
from afina.flows.role_space import RoleSpace, current_model
from afina.flows.tune_prompt import parted_seeds
from afina.records import Outcome
from afina.roles import Seed
from afina.sameness import message_key
from afina.store.paths import write_json, write_whole
from afina.verdict.record import to_json

LEAST = 10
"""Good runs without which nothing is trained again."""


def retrain(boot: Boot, *, least: int = LEAST) -> dict[str, Any]:
    """The examples of the last generation and the runs that people rated well → another version, held against the one that answers now.

    Raises:
        NotEnoughDataError: too few good runs since, or too few authored examples to judge by; says how many are missing.
    """
    space = boot.space
    others = contenders_of(boot)  # a malformed program is said before anything is trained
    boot.done = dict(kept_steps(boot.folder).get("steps", {}))  # its remedies are still due
    _, held_out = parted_seeds(space.role.seeds())
    good = trainable(space, held_out, least)
    examples = sorted(boot.folder.glob("examples-*.jsonl"), key=lambda path: path.name)
    rows = [row.values for row in read_rows(examples[-1])] if examples else []
    policy = policy_of(space.settings.privacy, space.paths, space.settings.project.client)
    clean = [scrubbed_run(run, space.role, policy) for run in good]
    told = as_lines([*rows, *training_rows(clean, space.role.trained_in)])
    asked = f"{boot.base} {boot.options.minutes:g}\n{told}"
    name = f"r-{blake2b(asked.encode(), digest_size=4).hexdigest()}"
    if (boot.folder / f"{name}.json").is_file():
        raise NotEnoughDataError(
            f"nothing is new since {name} was trained",
            remedy=f"rate more runs: afina roles rate {space.role.name} RUN 5",
        )
    _, source, program = current_model(space)
    now = Contender(name="now", source=source, program=program, key_of="role")
    require_answer(space, now, held_out[0])
    data = boot.folder / f"{name}.jsonl"
    write_whole(data, told)
    new = tuned_model(boot, name, data).contender(space)
    items = seed_items(space, held_out)
    with boot.stages.stage("judge") as stage:
        bound = ask_contenders(space, [now, new], role_set(space, items, bound=True), stage.tell)
        free = role_set(space, items, bound=False)
        scored = ask_contenders(space, [*others, now, new], free, stage.tell)
        verdict = role_verdict(redeployed(boot), scored, now.name, new.name)
        stage.note = f"{verdict.outcome}: {verdict.because}"
    as_it_runs = {one.name: figures(one) for one in bound}
    no_worse = as_it_runs[new.name][SHARED[0]] >= as_it_runs[now.name][SHARED[0]]
    return {
        "version": new.name,
        "examples": len(rows),
        "rated": len(good),
        "outcome": verdict.outcome.value,
        "because": verdict.because,
        "verdict": to_json(verdict),
        FREE: {one.name: figures(one) for one in scored},
        BOUND: as_it_runs,
        "answers_now": verdict.outcome is Outcome.GO and deployed(space, new, now, no_worse=no_worse),
    }


def trainable(space: RoleSpace, held_out: Sequence[Seed], least: int) -> list[RunRow]:
    """The good runs that may be learnt from: none of them is a question that judges.

    Raises:
        NotEnoughDataError: too few of them, or of those that judge.
    """
    if len(held_out) < LEAST_JUDGED:
        raise NotEnoughDataError(
            f"{len(held_out)} authored examples of {space.role.name} are held out, a verdict needs {LEAST_JUDGED}",
            remedy=f"write more of them: {space.role.folder / 'seeds.jsonl'}",
        )
    hidden = {message_key(plain_concept(seed.question)) for seed in held_out}
    good = [run for run in good_runs(space) if message_key(plain_concept(run.question)) not in hidden]
    if len(good) < least:
        raise NotEnoughDataError(
            f"{len(good)} runs of {space.role.name} are rated {space.role.form.good_rating} or more, at least {least} are needed",
            remedy=f"afina roles rate {space.role.name} RUN 5, or --least {len(good)}",
        )
    return good


def require_answer(space: RoleSpace, now: Contender, seed: Seed) -> None:
    """Refuse to train for hours what could not be compared then: who answers for the role elsewhere must be there.

    Raises:
        InputError: it gave no answer. RuntimeFailedError: it lets nobody in.
    """
    if not source_of(now.source).startswith(("http://", "https://")):
        return
    with open_model(now.source, space.settings, space.folder) as model:
        turns = now.program.turns(seed.question, space.system(now.program))
        reply = model.ask(space.ask(turns, seed.question, 0))
    if reply.error:
        raise InputError(f"{now.source} answers for {space.role.name} now, and gave no answer: {reply.error}")


def deployed(space: RoleSpace, new: Contender, now: Contender, *, no_worse: bool) -> bool:
    """Let a version answer that is surely better free and no worse bound, as the role runs. Returns whether it does: `config.yaml` may name
    another one.
    """
    if no_worse:
        write_json(space.best, {"source": space.below(Path(new.source)), "name": new.name, "over": now.source})
        if current_model(space)[1] == new.source:
            return True
    note = f"config.yaml names {now.source}" if no_worse else "bound by the schema, as the role runs, it is worse"
    NOTICES.warning("%s is better when nothing binds it, and does not answer: %s", new.name, note)
    return False


def redeployed(boot: Boot) -> Any:
    """The role with what a new version must gain over the one that is live: document 001's 5 %."""
    options = boot.space.settings.evaluate
    evaluate = options.model_copy(update={"minimum_effect": options.redeploy_effect})
    return replace(boot.space, settings=boot.space.settings.model_copy(update={"evaluate": evaluate}))
