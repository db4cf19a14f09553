"""Fine-tuning on this machine, and which dataset is meant."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from afina.bases import resolve_base
from afina.errors import InputError, NotEnoughDataError
from afina.files import read_jsonl
from afina.flows.datasets import write_files
from afina.flows.finetune import Standing, Wish, local_standing
from afina.flows.project import Project
from afina.flows.train import plan_training
from afina.freeze.freeze import freeze
from afina.ids import DatasetId, RunId
from afina.records import Dataset
from afina.store.paths import Paths


@dataclass(frozen=True, slots=True)
class LocalProvider:
    """This machine. `defer` hands a planned run to the queue."""

    project: Project
    defer: Callable[[RunId], None]

    def start(self, wish: Wish) -> Standing:
        """See `Provider`: what can be refused is refused before anything waits in the queue. The base is the project's: its settings hang on it."""
        project = self.project
        resolve_base(project.settings.base.model)
        run = plan_training(project, dataset_of(project, wish.dataset), notes=wish.notes)
        self.defer(run)
        return self.standing(run)

    def standing(self, identity: str) -> Standing:
        """See `Provider`."""
        return local_standing(self.project, identity)


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
