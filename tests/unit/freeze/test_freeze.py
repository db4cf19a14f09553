"""Splits without leaks, named by content."""

import random
from dataclasses import replace
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.errors import NotEnoughDataError
from afina.freeze.freeze import Earlier, freeze
from afina.ids import example_id
from afina.records import Dataset, Example, Split, Turn
from afina.settings import FreezeSettings
from tests.tasks import classifier, labelled

TASK = classifier("x")


def apart(number: int) -> str:
    """A message that is like no other."""
    return blake2b(str(number).encode(), digest_size=12).hexdigest()


def examples(labels: list[int], groups: int) -> list[Example]:
    """One example per label number."""
    return [labelled(str(i), apart(i), f"g{i % groups}", x=f"l{label}") for i, label in enumerate(labels)]


def frozen(rows: list[Example]) -> Dataset:
    """With the default settings."""
    return freeze(rows, FreezeSettings(), TASK)


# every class often enough to be in the training part, whatever the groups
many = st.lists(st.integers(0, 3), min_size=0, max_size=60).map(lambda labels: [0, 1] * 25 + labels)


@given(many, st.integers(12, 40))
@settings(max_examples=25, deadline=None)
def test_no_group_is_on_two_sides_and_nothing_is_lost(labels: list[int], groups: int) -> None:
    """A user's messages never help to answer their other messages."""
    rows = examples(labels, groups)

    dataset = frozen(rows)

    parts = [dataset.train, dataset.validation, dataset.test]
    assert sorted(e.id for part in parts for e in part) == sorted(e.id for e in rows)
    sides = [{e.group for e in part} for part in parts]
    assert not (sides[0] & sides[1])
    assert not (sides[0] & sides[2])
    assert not (sides[1] & sides[2])


@given(many, st.randoms())
@settings(max_examples=25, deadline=None)
def test_equal_content_is_the_same_dataset(labels: list[int], shuffler: random.Random) -> None:
    """Order and ids of the rows do not matter; one changed label does."""
    rows = examples(labels, 20)
    other = [replace(e, id=example_id(f"z{e.id}"), source="z") for e in rows]
    shuffler.shuffle(other)

    assert frozen(rows).id == frozen(other).id
    changed = [replace(e, turns=(Turn("user", e.message + "!"),)) for e in rows]
    assert frozen(changed).id != frozen(rows).id


def parts_of(dataset: Dataset) -> dict[str, Split]:
    """Group → part."""
    return {example.group: part for part in Split for example in dataset.part(part)}


@given(many, st.integers(8, 25), st.integers(1, 60))
@settings(max_examples=10, deadline=None)
def test_a_group_stays_where_it_was_when_the_dataset_grows(labels: list[int], groups: int, more: int) -> None:
    """New groups are spread over the parts; without new ones nothing moves."""
    first = frozen(examples(labels, groups))
    old = parts_of(first)
    grown = examples([*labels, *(at % 4 for at in range(more))], groups)[: len(labels)] + [
        labelled(f"n{at}", apart(1000 + at), f"h{at // 2}", x=f"l{at % 4}") for at in range(more)
    ]

    second = freeze(grown, FreezeSettings(), TASK, earlier=Earlier(parts=old))

    assert old.items() <= parts_of(second).items()
    assert sorted(e.id for part in Split for e in second.part(part)) == sorted(e.id for e in grown)
    again = freeze(grown, FreezeSettings(), TASK, earlier=Earlier(parts=parts_of(second)))
    assert again.id == second.id


def test_shares_are_kept_over_many_small_additions() -> None:
    """Ten messages a week for twenty weeks end with the shares of the settings, not with those of ten messages."""
    rows = examples([at % 4 for at in range(100)], 100)
    kept: dict[str, Split] = {}
    for week in range(20):
        dataset = freeze(rows, FreezeSettings(), TASK, earlier=Earlier(parts=kept))
        kept = parts_of(dataset)
        rows += [
            labelled(f"w{week}.{at}", apart(10_000 + 100 * week + at), f"w{week}.{at}", x=f"l{at % 4}")
            for at in range(10)
        ]

    shares = {part: len(dataset.part(part)) / (len(rows) - 10) for part in Split}
    assert shares[Split.TEST] == pytest.approx(0.25, abs=0.03)
    assert shares[Split.VALIDATION] == pytest.approx(0.1, abs=0.03)
    assert dataset.card["groups_kept"] == len(rows) - 20


def test_labels_come_from_training_only() -> None:
    """The schema must not know what only the held-out part shows."""
    dataset = frozen(examples([0, 1] * 30, 30))

    assert dataset.answer_schema
    assert set(dataset.answer_schema["properties"]["x"]["enum"]) == {e.stratum for e in dataset.train}


@pytest.mark.parametrize(("labels", "words"), [([0, 1, 0], "3 usable examples"), ([0] * 60, "nothing to tell apart")])
def test_too_little_is_refused(labels: list[int], words: str) -> None:
    """Three examples, or one class, make no honest result."""
    with pytest.raises(NotEnoughDataError, match=words):
        frozen(examples(labels, 20))


def test_a_training_part_of_one_class_is_refused() -> None:
    """All parts together have two; what would be learnt has one."""
    rows = examples([0] * 60, 60)
    test = [labelled("t", "otra", "t", x="l1")]
    one = labelled("o", "una", "o", x="l1")

    with pytest.raises(NotEnoughDataError, match="of the training part has the same x"):
        for seed in range(40):  # until the only row of the other class is held out
            freeze([*rows, one], FreezeSettings(seed=seed), TASK, test=test)
