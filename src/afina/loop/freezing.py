"""Freeze on a project."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from afina.chat import classify_turns, render_answer
from afina.curate import kept_examples
from afina.evaluate.contamination import find_leaks
from afina.freeze import kept_parts, load_dataset, newest_dataset, save_dataset
from afina.freeze.freeze import freeze
from afina.loop.narrate import Stages
from afina.loop.project import Project
from afina.records import Dataset, EvalItem, Example, Split, Turn
from afina.store.paths import write_json, write_whole

SHOWN_CLASSES = 50


def freeze_project(project: Project, stages: Stages, *, new_split: bool = False) -> Dataset:
    """Split and freeze what curation kept. Groups stay in their parts, unless a `new_split` is wanted."""
    with stages.stage("freeze"):
        with project.session() as session:
            examples = kept_examples(session, task=project.task)
            dataset = freeze(
                examples, project.settings.freeze, task=project.task, fields=project.settings.project.fields,
                kept={} if new_split else kept_parts(session, task=project.task),
            )  # fmt: skip
            save_dataset(session, dataset)
        write_files(dataset, project.paths.dataset(dataset.id))
        stages.note = freeze_note(dataset, least=project.settings.evaluate.min_items)
    return dataset


def freeze_note(dataset: Dataset, *, least: int) -> str:
    """The parts in a line; if the test knows too little of its own for a verdict, that is said now and not after the training."""
    rows = dataset.card["rows"]
    note = f"{dataset.id}: {rows['train']} train, {rows['validation']} validation, {rows['test']} test"
    asked = [EvalItem(id=e.id, turns=(Turn("user", e.text),)) for e in dataset.test]
    known = len(find_leaks(asked, [e.text for e in (*dataset.train, *dataset.validation)]))
    if known:
        note += f", {known} of these known from training"
    if rows["test"] - known < least:
        note += f": too few for a verdict, {least} others are needed"
    return "\n  ".join([note, *unlearnt_sentences(dataset.card)])


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


def write_files(dataset: Dataset, folder: Path) -> None:
    """The dataset as chat JSONL, one file a split, beside its card: what any trainer reads, ours included."""
    for split in Split:
        lines = [
            json.dumps({"messages": chat(e, fields=dataset.fields)}, ensure_ascii=False) for e in dataset.part(split)
        ]
        write_whole(folder / f"{split.value}.jsonl", "".join(f"{line}\n" for line in lines))
    write_json(folder / "card.json", dataset.card)


def chat(example: Example, *, fields: Sequence[str]) -> list[dict[str, str]]:
    """An example as messages."""
    prompt = [{"role": turn.role, "content": turn.content} for turn in classify_turns(example.text, fields=fields)]
    return [*prompt, {"role": "assistant", "content": render_answer(example.target, fields=fields)}]


def current_dataset(project: Project) -> Dataset:
    """The newest frozen dataset."""
    with project.session() as session:
        return load_dataset(session, newest_dataset(session, task=project.task))
