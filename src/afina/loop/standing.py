"""How far a project's task is, read from its ledger."""

from collections.abc import Callable
from typing import TypeVar

from afina.capture import count_interactions
from afina.errors import StoreError
from afina.flows.project import Project
from afina.loop.diary import has_successor, run_of, was_tried
from afina.loop.policy import Standing
from afina.records import ModelVersion
from afina.serve import read_live

Found = TypeVar("Found")


def standing_of(project: Project) -> Standing:
    """Stage by stage."""
    ledger = project.ledger
    with project.session() as session:
        messages = count_interactions(session, task=project.task.name)["messages"]
        live = [one for one in read_live(session) if one.task == project.task.name]
    dataset = if_any(ledger.dataset)
    run, later = None, False
    if dataset is not None:
        with project.session() as session:
            newest, later = run_of(session, dataset.id), has_successor(session, dataset.id)
        run = ledger.run(newest) if newest else None
    version: ModelVersion | None = if_any(ledger.version)
    version = version if version and run and version.run == run.id else None
    verdict = if_any(lambda: ledger.verdict(version.id)) if version else None
    with project.session() as session:
        tried = version is not None and was_tried(session, version.name)
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


def if_any(read: Callable[[], Found]) -> Found | None:
    """What there is; None where there is nothing yet."""
    try:
        return read()
    except StoreError:
        return None
