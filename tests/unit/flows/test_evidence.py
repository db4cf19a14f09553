"""Is there enough that is new?"""

from pathlib import Path
from typing import Any

import pytest

from afina.flows.evidence import new_evidence
from afina.flows.project import Project, folder_project
from afina.freeze.freeze import freeze
from afina.records import Dataset, Example
from afina.settings import make_settings
from tests.tasks import labelled, unlike


class Ledger:
    """What is curated, and the last dataset."""

    def __init__(self, kept: list[Example], dataset: Dataset | None) -> None:
        self.curated, self.frozen = kept, dataset

    def kept(self) -> list[Example]:
        """What is curated."""
        return self.curated

    def dataset(self) -> Dataset:
        """The last one."""
        from afina.errors import StoreError

        if self.frozen is None:
            raise StoreError("no dataset")
        return self.frozen


def rows(start: int, labels: str) -> list[Example]:
    """A message like no other for each label."""
    return [labelled(str(start + at), unlike(start + at), x=label) for at, label in enumerate(labels)]


def project_with(old: str, new: str, **loop: Any) -> Project:
    """Old rows are frozen, new ones only curated."""
    settings = make_settings({"task": {"fields": ["x"], "name": "t"}, "loop": loop})
    project = folder_project(Path("nowhere"), settings)
    before = rows(0, old)
    dataset = freeze(before, settings.freeze, project.task) if old else None
    ledger: Any = Ledger([*before, *rows(1000, new)], dataset)
    return Project(paths=project.paths, settings=settings, task=project.task, ledger=ledger)


HALVES = "ab" * 40


@pytest.mark.parametrize(
    ("old", "new", "enough", "because"),
    [
        ("", "ab" * 20, False, "nothing was frozen yet: 40 curated rows are new, 120 are needed for a verdict"),
        ("", "ab" * 60, True, "nothing was frozen yet: 120 curated rows are new"),
        (HALVES, "ab" * 10, False, "not enough new evidence: 20 new rows of 50, drift 0%, 0 of unknown classes"),
        (HALVES, "ab" * 25, True, "50 curated rows are new, 50 are enough"),
        (HALVES, "a" * 30, True, "the classes have drifted by 50%"),
        (HALVES, "aa", False, "not enough new evidence"),
        (HALVES, "c" * 12 + "ab" * 14, True, "12 new rows are of classes that were never trained on: c"),
        (HALVES, "", False, "0 new rows of 50"),
    ],
)
def test_rows_drift_or_new_classes_are_reasons_to_train_again(old: str, new: str, enough: bool, because: str) -> None:
    """Two rows of one class are no drift: chance does that."""
    found = new_evidence(project_with(old, new, min_new_rows=50, max_drift=0.4, min_uncovered=10))

    assert found.enough is enough
    assert because in found.because
    assert found.rows == len(new) or not old
