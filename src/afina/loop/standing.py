"""How far a project's task is, read from its ledger."""

from collections.abc import Callable
from typing import TypeVar

from afina.capture import count_interactions
from afina.errors import StoreError
from afina.export import name_of_run
from afina.flows.project import Project
from afina.loop.diary import has_successor, run_of, was_tried
from afina.loop.policy import Standing
from afina.records import ModelVersion, Run
from afina.serve import read_live

Found = TypeVar("Found")


def standing_of(project: Project) -> Standing:
    """Stage by stage."""
    ledger = project.ledger
    dataset, run, version = if_any(ledger.dataset), newest_run(project), newest_version(project)
    verdict = if_any(lambda: ledger.verdict(version.id)) if version else None
    with project.session() as session:
        messages = count_interactions(session, task=project.task.name)["messages"]
        live = [one for one in read_live(session) if one.task == project.task.name]
        tried = version is not None and was_tried(session, version.name)
        later = dataset is not None and has_successor(session, dataset.id)
    return Standing(
        messages=messages,
        kept=len(ledger.kept()),
        dataset=dataset.id if dataset else None,
        superseded=later,
        run=run.state if run else None,
        version=version.name if version else None,
        outcome=verdict.outcome if verdict else None,
        because=verdict.because if verdict else "",
        tried=tried,
        canary=any(one.canary for one in live),
        live=next((one.name for one in live if not one.canary), None),
    )


def newest_run(project: Project) -> Run | None:
    """The newest run on the newest dataset: what was trained on others beside it is none of the loop's."""
    dataset = if_any(project.ledger.dataset)
    if dataset is None:
        return None
    with project.session() as session:
        identity = run_of(session, dataset.id)
    return project.ledger.run(identity) if identity else None


def newest_version(project: Project) -> ModelVersion | None:
    """The version that came of that run."""
    run = newest_run(project)
    if run is None:
        return None
    with project.session() as session:
        name = name_of_run(session, run.id)
    return project.ledger.version(name) if name else None


def if_any(read: Callable[[], Found]) -> Found | None:
    """What there is; None where there is nothing yet."""
    try:
        return read()
    except StoreError:
        return None
