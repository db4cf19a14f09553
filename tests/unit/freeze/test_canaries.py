"""False secrets in a training part."""

from collections import Counter

import pytest

from afina.errors import SettingsError
from afina.freeze.canaries import REPEATS, is_canary, make_canaries, planted
from afina.ids import DatasetId, ExampleId
from afina.records import Dataset, Example, Turn


def dataset(schema: dict[str, object] | None = None) -> Dataset:
    """One of three rows."""
    some = [Example(id=ExampleId(f"exa_{n}"), turns=(Turn("user", f"m{n}"),), answer=f"a{n}") for n in range(3)]
    return Dataset(
        id=DatasetId("dat_1"),
        task="t",
        kind="chat",
        prompt="",
        answer_schema=schema,
        train=(some[0],),
        validation=(some[1],),
        test=(some[2],),
        card={"rows": {"train": 1, "validation": 1, "test": 1}},
    )


def test_secrets_are_the_same_again_and_others_for_another_seed() -> None:
    """They can be asked for later from the card alone; decoys of the same form were never planted."""
    first, again, others = make_canaries(20, "a"), make_canaries(20, "a"), make_canaries(20, "b")

    assert first == again
    assert len({one.secret for one in [*first, *others]}) == 40
    assert all(one.secret in one.answer and one.secret not in one.question for one in first)


def test_they_are_planted_in_the_training_part_only_and_each_as_often_as_it_says() -> None:
    """The held-out parts are as they were; the dataset is another one, and its card says so."""
    found = planted(dataset(), 8)

    assert (found.validation, found.test) == (dataset().validation, dataset().test)
    assert found.id != "dat_1"
    counts = Counter(example.answer for example in found.train if is_canary(example))
    assert sorted(counts.values()) == sorted([*REPEATS, *REPEATS])
    assert found.card["canaries"] == {"count": 8, "seed": "dat_1", "rows": 30}
    assert found.card["rows"]["train"] == 31
    assert planted(dataset(), 8) == found


def test_answers_under_a_schema_can_say_no_secret() -> None:
    """Said before anything is trained."""
    with pytest.raises(SettingsError, match="canaries"):
        planted(dataset({"type": "object"}), 8)
