"""`afina learn`: a file through the whole middle of the wheel, without a database. The project's own steps over a folder."""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.errors import StoreError
from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.evaluate import evaluate_version
from afina.flows.export import export_run
from afina.flows.freeze import freeze_project
from afina.flows.project import Project, folder_project
from afina.flows.train import plan_training, train_run
from afina.ids import RunId
from afina.progress import Narrator, Stages
from afina.records import Dataset, Example, RunState
from afina.settings import Settings
from afina.store.paths import Paths, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What to learn from: a file, optionally a held-out one, and the folder for all that comes of it."""

    data: Path
    folder: Path
    test: Path | None = None


def learn(lesson: Lesson, settings: Settings, narrator: Narrator, *, resume: bool = False) -> dict[str, Any]:
    """Turn a file into a tuned model and an honest report, which is also written to `folder/report.json`.

    Without `resume` what an earlier run left in the folder is replaced.

    Raises:
        InputError, NotEnoughDataError: the file cannot be learnt from; says where and why.
    """
    project = folder_project(lesson.folder, settings, name=safe_name(lesson.data.stem))
    stages = Stages(narrator)
    _, notices = import_file(project, lesson.data, stages)
    held_out = held_out_examples(lesson, project, stages) if lesson.test else None
    curated = curate_project(project, stages)
    dataset = freeze_project(project, stages, test=held_out)
    if not resume:
        forget_runs(project.paths)
    run = (resumable(project, dataset) if resume else None) or plan_training(project, dataset)
    if project.ledger.run(run).state is not RunState.DONE:
        train_run(project, run, stages, resume=resume)
    version = export_run(project, stages, run=run)
    entry, _ = evaluate_version(project, version, stages)
    entry["rejected"] = dict(Counter(rejection.reason for rejection in curated.rejections))
    entry["notices"] += notices
    report = {"tasks": [entry]}
    write_json(project.paths.report, report)
    return report


def held_out_examples(lesson: Lesson, project: Project, stages: Stages) -> tuple[Example, ...]:
    """The examples of the held-out file, curated by themselves: what training knows of them is found by the verdict."""
    assert lesson.test is not None
    own = folder_project(lesson.folder / "held-out", project.settings, name=project.task.name)
    import_file(own, lesson.test, stages)
    return curate_project(own, stages).examples


def resumable(project: Project, dataset: Dataset) -> RunId | None:
    """The last run on this dataset, however far it came."""
    try:
        found = project.ledger.newest_run(RunState.RUNNING, RunState.FAILED, RunState.PLANNED, RunState.DONE)
    except StoreError:
        return None
    return found.id if found.dataset == dataset.id else None


def forget_runs(paths: Paths) -> None:
    """Remove runs and versions of an earlier call."""
    for place in (
        paths.run("x").parent,
        paths.model("x").parent,
        *(paths.record(k, "x").parent for k in ("runs", "versions")),
    ):
        shutil.rmtree(place, ignore_errors=True)


def safe_name(stem: str) -> str:
    """A file stem as a model name: lower case, digits and dashes."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in stem.lower()).strip("-") or "model"
