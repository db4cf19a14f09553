"""The data card, and what a dataset's id is worth."""

import json
import random
from dataclasses import replace

import pytest

from afina.errors import StoreError
from afina.freeze import require_whole
from afina.freeze.canaries import planted
from afina.freeze.freeze import freeze
from afina.records import Dataset, Example, Origin, Turn
from afina.settings import FreezeSettings
from tests.tasks import classifier, labelled, task_of, unlike

TASK = classifier("x")


def rows() -> list[Example]:
    """Of two sources."""
    made = [labelled(str(n), unlike(n), f"u{n}", x="ab"[n % 2]) for n in range(60)]
    return [
        replace(
            one,
            origin=Origin(
                source="web" if at % 3 else "a.csv",
                evidence="corrected" if at % 2 else "rating",
                findings={"RUT": 1} if at % 10 == 0 else {},
                at=f"2026-05-{1 + at % 28:02}",
            ),
        )
        for at, one in enumerate(made)
    ]


def test_the_card_says_where_the_rows_come_from_and_under_which_licence() -> None:
    """And what was taken out of them, when they were said, how they were split."""
    card = freeze(rows(), FreezeSettings(licences={"web": "own customers, contract"}), TASK).card

    assert card["sources"] == {"a.csv": 20, "web": 40}
    assert card["licences"] == {"a.csv": "not stated", "web": "own customers, contract"}
    assert card["evidence"] == {"corrected": 30, "rating": 30}
    assert card["findings"] == {"RUT": 6}
    assert card["said"] == ["2026-05-01", "2026-05-28"]
    assert card["split"]["test_share"] == 0.25
    assert card["code"].startswith("afina ")


def test_the_card_is_the_same_whatever_the_order_of_the_rows() -> None:
    """Equal content, equal card, equal id."""
    shuffled = rows()
    random.Random(3).shuffle(shuffled)

    one, other = freeze(rows(), FreezeSettings(), TASK), freeze(shuffled, FreezeSettings(), TASK)

    assert json.dumps(one.card) == json.dumps(other.card)
    assert one == other


def test_a_dataset_that_was_edited_by_hand_is_found_out() -> None:
    """A changed answer, a row less, another prompt; with planted secrets too."""
    task = task_of("chat")
    made = [replace(one, turns=(Turn("user", one.message),)) for one in rows()]
    for dataset in (freeze(rows(), FreezeSettings(), TASK), planted(freeze(made, FreezeSettings(), task), 8)):
        require_whole(dataset, where="it")
        for wrong in edited(dataset):
            with pytest.raises(StoreError, match="it was changed since it was frozen"):
                require_whole(wrong, where="it")


def edited(dataset: Dataset) -> list[Dataset]:
    """What somebody may do to it."""
    first, *others = dataset.test
    return [
        replace(dataset, test=(replace(first, answer="otra"), *others)),
        replace(dataset, test=tuple(others)),
        replace(dataset, prompt="Sé amable."),
    ]
