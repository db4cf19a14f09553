"""Labels that are probably wrong → the review queue, before anything else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from afina.curate.suspects import Suspect, rank_labels
from afina.files import cell_text, read_rows
from afina.flows.project import Project
from afina.progress import Stages, Tell
from afina.records import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A field of an example that is probably wrong."""

    example: Example
    field: str
    suspect: Suspect


def find_doubts(project: Project, stages: Stages) -> list[Doubt]:
    """Every doubtful label of what is curated, the most doubtful first.

    Raises:
        NotEnoughDataError: there is too little to tell.
    """
    examples = project.ledger.kept()
    with stages.stage("suspects") as stage:
        found = []
        names = project.task.kind.decided(project.task)
        for name in names:
            found += list(doubts_of(examples, name, project, tell=stage.tell))
        stage.note = f"{len(found)} doubtful labels of {len(examples) * len(names)}"
    return sorted(found, key=lambda one: (one.suspect.margin, one.example.id))


def doubts_of(examples: Sequence[Example], name: str, project: Project, *, tell: Tell) -> Iterator[Doubt]:
    """Of one field."""
    labels = [project.task.kind.predicted(project.task, example.answer).get(name, "") for example in examples]
    for one in rank_labels([example.message for example in examples], labels, tell=tell):
        if one.doubted:
            yield Doubt(example=examples[one.row], field=name, suspect=one)


def doubts_in_file(path: Path, stages: Stages, *, text: str, label: str) -> list[tuple[int, Suspect]]:
    """Every row of a file with its line, the most doubtful first.

    Raises:
        InputError: a column is missing; names it. NotEnoughDataError: there is too little to tell.
    """
    rows = read_rows(path)
    texts, labels = ([cell_text(path, row, column) for row in rows] for column in (text, label))
    with stages.stage("suspects") as stage:
        ranked = rank_labels(texts, labels, tell=stage.tell)
        stage.note = f"{sum(one.doubted for one in ranked)} doubtful labels of {len(rows)}"
    return [(rows[one.row].line, one) for one in ranked]
