"""Start a fine-tuning and ask how it stands: on this machine, or, where a project allows it, at a hosted service. One form for both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from afina.errors import InputError, NotEnoughDataError
from afina.files import read_jsonl
from afina.flows.datasets import write_files
from afina.flows.project import Project
from afina.flows.train import plan_training
from afina.freeze.freeze import freeze
from afina.ids import DatasetId, RunId
from afina.records import Dataset, RunState
from afina.store.paths import Paths
from afina.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be tuned. `dataset`: id of a frozen dataset, or path of a file that `/dataset/export` wrote; empty = the newest dataset."""

    base: str = ""
    dataset: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a fine-tuning stands, in the words of the API that everybody knows: queued, running, succeeded, failed, cancelled."""

    id: str
    status: str
    base: str
    dataset: str
    model: str = ""
    """The version that came of it."""
    error: str = ""
    notes: str = ""


class Provider(Protocol):
    """Who tunes."""

    def start(self, wish: Wish) -> str:
        """Begin. Returns the id to ask with.

        Raises:
            AfinaError: it cannot begin; says why.
        """
        ...

    def standing(self, identity: str) -> Standing:
        """How it stands.

        Raises:
            StoreError: there is no such one.
        """
        ...


STATUS = {
    RunState.PLANNED: "queued", RunState.RUNNING: "running", RunState.DONE: "succeeded", RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
}  # fmt: skip
"""State of a run → the status that is told."""


@dataclass(frozen=True, slots=True)
class LocalProvider:
    """This machine. `defer` hands a planned run to the queue; `name_of` finds the version that came of a run."""

    project: Project
    defer: Callable[[RunId], None]
    name_of: Callable[[Connection, RunId], str]

    def start(self, wish: Wish) -> str:
        """See `Provider`: what can be refused is refused before anything waits in the queue."""
        project = self.project
        if wish.base:
            base = project.settings.base.model_copy(update={"model": wish.base})
            project = replace(project, settings=project.settings.model_copy(update={"base": base}))
        run = plan_training(project, dataset_of(project, wish.dataset), notes=wish.notes)
        self.defer(run)
        return run

    def standing(self, identity: str) -> Standing:
        """See `Provider`."""
        run = self.project.ledger.run(RunId(identity))
        with self.project.session() as session:
            name = self.name_of(session, run.id)
        status = STATUS[run.state]
        return Standing(
            id=run.id,
            # trained, and still on its way to a served file
            status="running" if status == "succeeded" and not name else status,
            base=run.base,
            dataset=run.dataset,
            model=name,
            error=run.error,
            notes=str(run.config.get("notes", "")),
        )


def dataset_of(project: Project, given: str) -> Dataset:
    """The dataset that is meant.

    Raises:
        StoreError: no such dataset. InputError: no file of this project. NotEnoughDataError: too few rows.
    """
    if not given:
        return project.ledger.dataset()
    if not given.endswith(".jsonl"):
        return project.ledger.dataset(DatasetId(given))
    wanted = rows_of(Path(given), project.paths)
    kept = [one for one in project.ledger.kept() if (one.message, one.answer) in wanted]
    if not kept:
        raise NotEnoughDataError(f"{given}: none of its rows is curated any more", remedy="export again")
    dataset = freeze(kept, project.settings.freeze, project.task, earlier=project.ledger.earlier())
    project.ledger.save_dataset(dataset)
    write_files(dataset, project.paths.dataset(dataset.id))
    return dataset


def rows_of(path: Path, paths: Paths) -> set[tuple[str, str]]:
    """Messages and answers of an exported file.

    Raises:
        InputError: it is not one of this project's, or no training file.
    """
    real = path.resolve()
    if not real.is_relative_to(paths.exports.resolve()):
        raise InputError(f"{path} is no file that this project exported", remedy="POST /dataset/export writes one")
    found = set()
    for row in read_jsonl(real):
        messages = row.values.get("messages")
        if not isinstance(messages, list) or len(messages) < 2:
            raise InputError(f"{path}, line {row.line}: `messages` is needed")
        found.add((str(messages[-2].get("content")), str(messages[-1].get("content"))))
    return found
