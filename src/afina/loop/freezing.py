"""Freeze on a project."""

from afina.curate import kept_examples
from afina.freeze import load_dataset, newest_dataset, save_dataset
from afina.freeze.freeze import freeze
from afina.loop.narrate import Stages
from afina.loop.project import Project
from afina.records import Dataset
from afina.store.paths import write_json


def freeze_project(project: Project, stages: Stages) -> Dataset:
    """Split and freeze what curation kept."""
    with stages.stage("freeze"):
        with project.session() as session:
            examples = kept_examples(session, task=project.task)
            dataset = freeze(
                examples, project.settings.freeze, task=project.task, fields=project.settings.project.fields
            )
            save_dataset(session, dataset)
        write_json(project.paths.dataset(dataset.id) / "card.json", dataset.card)
        rows = dataset.card["rows"]
        stages.note = f"{dataset.id}: {rows['train']} train, {rows['validation']} validation, {rows['test']} test"
    return dataset


def current_dataset(project: Project) -> Dataset:
    """The newest frozen dataset."""
    with project.session() as session:
        return load_dataset(session, newest_dataset(session, task=project.task))
