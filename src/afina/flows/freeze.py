"""Split and freeze what curation kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from afina.flows.collect import with_prompt
from afina.flows.project import Project
from afina.freeze.canaries import planted
from afina.freeze.freeze import freeze
from afina.progress import Stages
from afina.records import Dataset, EvalItem, Example, Split
from afina.store.paths import write_json, write_whole
from afina.verdict.leaks import find_leaks

SHOWN_CLASSES = 50


def freeze_project(
    project: Project, stages: Stages, *, new_split: bool = False, test: Sequence[Example] | None = None
) -> Dataset:
    """Groups stay in their parts, unless a `new_split` is wanted. `test`: a held-out part given from outside."""
    with stages.stage("freeze") as stage:
        kept = {} if new_split else project.ledger.parts()
        dataset = freeze(project.ledger.kept(), project.settings.freeze, project.task, test=test, kept=kept)
        if project.settings.privacy.canaries:
            dataset = planted(dataset, project.settings.privacy.canaries)
        project.ledger.save_dataset(dataset)
        write_files(dataset, project.paths.dataset(dataset.id))
        stage.note = freeze_note(dataset, least=project.settings.evaluate.min_items)
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
    return "\n  ".join([note, *unlearnt_sentences(dataset.card)])


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


def write_files(dataset: Dataset, folder: Path) -> None:
    """The dataset as JSONL, one file a split, beside its card: what any trainer reads, ours included."""
    for split in Split:
        lines = [json.dumps(as_row(e, dataset.prompt), ensure_ascii=False) for e in dataset.part(split)]
        write_whole(folder / f"{split.value}.jsonl", "".join(f"{line}\n" for line in lines))
    write_json(folder / "card.json", dataset.card)


def as_row(example: Example, prompt: str) -> dict[str, Any]:
    """An example as document 003's training file has it: messages and metadata; of a plain text the text."""
    facts = example.facts
    metadata = {
        "pii_scrubbed": facts.get("pii_scrubbed"),
        "category": facts.get("category", ""),
        "productName": facts.get("product", ""),
        "qualityScore": facts.get("quality"),
    }
    if not example.turns:
        return {"text": example.answer, "metadata": {"group": example.group}}
    messages = [{"role": turn.role, "content": turn.content} for turn in with_prompt(example, prompt)]
    return {"messages": messages, "metadata": {name: value for name, value in metadata.items() if value}}
