"""One turn of the loop: look where it stands, settle the canary, do the one step that is due, write it down.

Nothing is remembered between two turns but what is in the database: killed at any moment, the next turn goes on from there.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from afina.errors import AfinaError, ReleaseError, StoreError, in_short
from afina.flows.curate import curate_project
from afina.flows.evaluate import evaluate_version
from afina.flows.evidence import Evidence, new_evidence
from afina.flows.export import export_run
from afina.flows.freeze import freeze_project
from afina.flows.give_way import outside_hours, serving_suffers
from afina.flows.project import Project
from afina.flows.rollouts import Clock, now, release_direct, settle_canary, start_canary
from afina.flows.train import plan_training, train_run
from afina.loop import diary
from afina.loop.alarm import drop
from afina.loop.diary import BEGUN, DONE, FAILED, SKIPPED, Happened
from afina.loop.policy import Choice, Situation, choose
from afina.loop.standing import Found, newest_run, newest_version, standing_of
from afina.progress import Stages
from afina.store.locks import held

ACTOR, WATCH = "loop", "watch"
LOG = logging.getLogger("afina.loop")
NUMBERS = re.compile(r"[\d.,]+")
SAY_AGAIN_HOURS = 24.0
"""That there is nothing to do is written down when the reason changes, and once a day."""
Act = Callable[[Project, Stages, Clock], dict[str, Any]]
"""Does a step; returns the numbers that are written down."""


def curate(project: Project, stages: Stages, _: Clock) -> dict[str, Any]:
    """Judge what is new."""
    curated = curate_project(project, stages)
    return {"kept": sum(one.kept for one in curated.judged), "rows": len(curated.judged)}


def freeze(project: Project, stages: Stages, _: Clock) -> dict[str, Any]:
    """A dataset of what is new."""
    dataset = freeze_project(project, stages)
    return {"dataset": dataset.id, **dataset.card["rows"]}


def train(project: Project, stages: Stages, _: Clock) -> dict[str, Any]:
    """Plan a run on the newest dataset and train it."""
    run = plan_training(project, project.ledger.dataset())
    train_run(project, run, stages, resume=False)
    return {"run": run}


def resume(project: Project, stages: Stages, _: Clock) -> dict[str, Any]:
    """Go on with the run, from its last checkpoint."""
    run = found(newest_run(project)).id
    train_run(project, run, stages, resume=True)
    return {"run": run}


def export(project: Project, stages: Stages, _: Clock) -> dict[str, Any]:
    """The run as a served file."""
    version = export_run(project, stages, run=found(newest_run(project)).id)
    return {"version": version.name}


def evaluate(project: Project, stages: Stages, _: Clock) -> dict[str, Any]:
    """Judge the version."""
    version = found(newest_version(project))
    verdict = evaluate_version(project, version, stages)[1]
    return {"version": version.name, "outcome": verdict.outcome.value, "because": verdict.because}


def release(project: Project, _: Stages, clock: Clock) -> dict[str, Any]:
    """As a canary; where nothing is in production there is nothing to compare with, and the verdict alone decides."""
    version = found(newest_version(project))
    if project.ledger.in_production() is None and not project.settings.upstream:
        if project.settings.release.promote == "ask":
            raise ReleaseError(
                f"{version.name} is the first version, and release.promote is ask", remedy="`afina release --direct`"
            )
        release_direct(project, version, actor=ACTOR, reason="nothing was in production, and the verdict is a go")
        return {"version": version.name, "state": "production"}
    rollout = start_canary(project, version, actor=ACTOR, clock=clock)
    return {"version": version.name, "state": "canary", "share": rollout.share}


def found(one: Found | None) -> Found:
    """What the policy saw a moment ago.

    Raises:
        StoreError: it is gone.
    """
    if one is None:
        raise StoreError("what was to be gone on with is not there any more")
    return one


ACTS: Mapping[str, Act] = {
    "curate": curate, "freeze": freeze, "train": train, "resume": resume, "export": export, "evaluate": evaluate, "release": release,
}  # fmt: skip
"""Every step of `policy.LOOP` but the report, which is written by whoever runs the loop."""


def turn(
    project: Project, stages: Stages, *, acts: Mapping[str, Act] = ACTS, clock: Clock = now
) -> list[Happened] | None:
    """What was done, the canary first; None where another loop is at work on this task."""
    with held(project.dsn, f"loop/{project.client}/{project.task.name}") as is_ours:
        if not is_ours:
            return None
        settled = [*settle(project, clock), *watched(project, clock())]
        situation, evidence = situation_of(project, clock())
        chosen = choose(situation)
        done = do(project, chosen, stages, acts=acts, clock=clock)
        happened = [*settled, replace(done, numbers={**numbers_of(evidence, chosen), **done.numbers})]
        with project.session() as session:
            last = diary.last(session, task=project.task.name)
            for one in happened:
                if is_news(one, last):
                    diary.write(session, one, task=project.task.name)
        return happened


def settle(project: Project, clock: Clock) -> list[Happened]:
    """The canary, if there is one; that it waits is written in its own record."""
    try:
        view = settle_canary(project, actor=ACTOR, clock=clock)
    except ReleaseError:
        return []
    if view.decision.action == "wait":
        return []
    because = f"{view.decision.action.replace('_', ' ')}: {view.decision.because}"
    return [Happened(step="settle", outcome=DONE, because=because, at=clock(), numbers={"share": view.decision.share})]


def watched(project: Project, at: datetime) -> list[Happened]:
    """Once a day: whether people accept fewer answers than they did."""
    with project.session() as session:
        hours = diary.last(session, task=project.task.name).hours(at)
        if hours.get(WATCH, SAY_AGAIN_HOURS) < SAY_AGAIN_HOURS:
            return []
        why = drop(session, task=project.task.name, at=at)
    said, alarm = why or "people accept as many answers as they did, as far as that can be told", bool(why)
    return [Happened(step=WATCH, outcome=DONE, because=said, at=at, numbers={"alarm": alarm})]


def situation_of(project: Project, at: datetime) -> tuple[Situation, Evidence | None]:
    """Everything that the policy looks at."""
    with project.session() as session:
        last = diary.last(session, task=project.task.name)
    evidence = new_evidence(project) if project.ledger.kept() else None
    situation = Situation(
        standing=standing_of(project),
        rules=project.settings.loop,
        enough=bool(evidence and evidence.enough),
        evidence=evidence.because if evidence else "",
        busy=outside_hours(project.settings.loop.heavy_hours, at) or serving_suffers(project)(),
        hours=last.hours(at),
        failed=last.hours_failed(at),
    )
    return situation, evidence


def do(project: Project, chosen: Choice, stages: Stages, *, acts: Mapping[str, Act], clock: Clock) -> Happened:
    """The step, or that there is none. What fails is written down and tried again later; it ends no loop."""
    if chosen.step not in acts:
        return Happened(step="skip", outcome=SKIPPED, because=chosen.because, at=clock())
    with project.session() as session:  # a step that takes its process with it, three times, is left alone for a while
        begun = Happened(step=chosen.step, outcome=BEGUN, because=chosen.because, at=clock())
        diary.write(session, begun, task=project.task.name)
    try:
        numbers = acts[chosen.step](project, stages, clock)
    except AfinaError as exc:
        return Happened(step=chosen.step, outcome=FAILED, because=str(exc), at=clock())
    except Exception as exc:
        LOG.exception("the step %s failed", chosen.step)
        said = f"{type(exc).__name__}: {in_short(exc)}"
        return Happened(step=chosen.step, outcome=FAILED, because=said, at=clock())
    return Happened(step=chosen.step, outcome=DONE, because=chosen.because, at=clock(), numbers=numbers)


def numbers_of(evidence: Evidence | None, chosen: Choice) -> dict[str, Any]:
    """The evidence, where it is what decided."""
    return {"evidence": asdict(evidence)} if evidence and chosen.step in {"freeze", "skip"} else {}


def is_news(happened: Happened, last: diary.Last) -> bool:
    """That there is nothing to do is written once a day for each reason, whatever its numbers."""
    if happened.outcome != SKIPPED or last.skipped is None:
        return True
    because, at = last.skipped
    same = NUMBERS.sub("", happened.because) == NUMBERS.sub("", because)
    return not same or diary.since(at, happened.at) >= SAY_AGAIN_HOURS


def until_idle(
    project: Project, stages: Stages, *, acts: Mapping[str, Act] = ACTS, clock: Clock = now, most: int = 20
) -> list[Happened] | None:
    """Turn by turn until nothing is due: what a cron entry runs. None where another loop is at work."""
    all_done: list[Happened] = []
    for _ in range(most):
        found = turn(project, stages, acts=acts, clock=clock)
        if found is None:
            return all_done or None
        all_done += found
        if found[-1].outcome != DONE:
            break
    return all_done
