"""Frozen datasets in and out of the database."""

import pytest

from afina.errors import StoreError
from afina.flows.project import Project
from afina.freeze import earlier_of, list_datasets, load_dataset, save_dataset
from afina.ids import DatasetId


def test_a_dataset_comes_back_as_it_was_frozen_and_is_stored_once(people: Project) -> None:
    """With where every row comes from."""
    dataset = people.ledger.dataset()
    with people.session() as session:
        assert save_dataset(session, dataset) is False
        assert load_dataset(session, dataset.id) == dataset
        [row] = list_datasets(session, task=people.task.name)
        with pytest.raises(StoreError, match="no dataset dat_x"):
            load_dataset(session, DatasetId("dat_x"))

    assert row["id"] == dataset.id
    assert {one.origin.evidence for one in dataset.train} == {"corrected"}
    assert all(one.origin.user for one in dataset.train)


def test_the_next_dataset_knows_who_was_where_and_what_was_held_out(people: Project) -> None:
    """By user, and every test row."""
    dataset = people.ledger.dataset()
    with people.session() as session:
        earlier = earlier_of(session, task=people.task.name)

    assert set(earlier.parts) == {f"u{n}" for n in range(40)}
    assert {one.message for one in earlier.test} == {one.message for one in dataset.test}
