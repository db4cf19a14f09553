"""Split and freeze what curation kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from afina.flows.datasets import write_files
from afina.flows.project import Project
from afina.flows.replay import earlier_rows, own_answers
from afina.freeze import with_training
from afina.freeze.canaries import planted
from afina.freeze.freeze import freeze
from afina.progress import Stages
from afina.records import Dataset, EvalItem, Example
from afina.verdict.leaks import find_leaks

SHOWN_CLASSES = 50


def freeze_project(
    project: Project, stages: Stages, *, new_split: bool = False, test: Sequence[Example] | None = None
) -> Dataset:
    """Groups stay in their parts, unless a `new_split` is wanted. `test`: a held-out part given from outside."""
    kept = project.ledger.kept()
    again = [] if new_split else earlier_rows(project, kept)
    own = own_answers(project, kept, stages)
    with stages.stage("freeze") as stage:
        earlier = None if new_split else project.ledger.earlier()
        dataset = freeze([*kept, *again], project.settings.freeze, project.task, test=test, earlier=earlier)
        dataset = with_training(dataset, own)
        if project.settings.privacy.canaries:
            dataset = planted(dataset, project.settings.privacy.canaries)
        project.ledger.save_dataset(dataset)
        write_files(dataset, project.paths.dataset(dataset.id))
        stage.note = freeze_note(dataset, least=project.settings.evaluate.min_items)
        if again or own:
            stage.note += f"\n  {len(again)} rows of earlier datasets again, {len(own)} answers of the base itself"
    return dataset


def freeze_note(dataset: Dataset, *, least: int) -> str:
    """The parts in a line; if the test knows too little of its own for a verdict, that is said now and not after the training."""
    rows = dataset.card["rows"]
    note = f"{dataset.id}: {rows['train']} train, {rows['validation']} validation, {rows['test']} test"
    known = rows["test"] - unknown_items(dataset)
    if known:
        note += f", {known} of these known from training"
    if rows["test"] - known < least:
        note += f": too few for a verdict, {least} others are needed"
    return "\n  ".join([note, *group_sentences(dataset.card), *unlearnt_sentences(dataset.card)])


def group_sentences(card: Mapping[str, Any]) -> list[str]:
    """Groups that are much of the whole, and rows that no part can hold without a leak."""
    said = []
    for one in card.get("large_groups", ()):
        what = "a user or conversation holds it together, so it stays whole"
        if one["tightened_to"]:
            what = f"near copies hold together from {one['tightened_to']:.0%} likeness on, so its largest is {one['largest_after']} now"
        said.append(f"a group of {one['rows']} rows is more than 5 % of all: {what}")
    if card.get("near_copies_across"):
        said.append(
            f"{card['near_copies_across']} training rows are near copies of held-out ones: the messages follow one pattern"
        )
    return [*said, *(f"{rows} rows left out: {why}" for why, rows in card.get("left_out", {}).items())]


def unknown_items(dataset: Dataset) -> int:
    """How many held-out items the training does not know."""
    asked = [EvalItem(id=e.id, turns=e.turns, expected=e.answer) for e in dataset.test]
    return len(asked) - len(find_leaks(asked, [e.message for e in dataset.seen()]))


def unlearnt_sentences(card: Mapping[str, Any]) -> list[str]:
    """The classes that training lacks: no model can answer them, so their held-out items count as wrong for every one."""
    return [
        f"{len(missing)} classes of {field} are not in the training part, so they can never be answered: {listed(missing)}"
        for field, missing in card.get("labels_not_in_training", {}).items()
        if missing
    ]


def listed(missing: Mapping[str, Mapping[str, int]]) -> str:
    """Classes with their held-out rows; of very many the first."""
    shown = [
        f"{label} ({rows['validation']} validation, {rows['test']} test)"
        for label, rows in list(missing.items())[:SHOWN_CLASSES]
    ]
    return ", ".join(shown) + (" … (all are in the dataset's card)" if len(missing) > SHOWN_CLASSES else "")
