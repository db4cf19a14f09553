"""A frozen dataset on disk and in words."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.errors import NotEnoughDataError
from afina.flows.freeze import freeze_note, unlearnt_sentences
from afina.flows.train import require_items
from afina.freeze.freeze import freeze
from afina.ids import DatasetId
from afina.records import Dataset, Example
from afina.settings import FreezeSettings, make_settings
from tests.tasks import classifier, labelled, replied, task_of

CHAT = task_of("chat")


def answers(count: int, *, per_group: int = 2) -> list[Example]:
    """Answers of conversations with several exchanges each."""
    return [
        replied(
            f"g{n // per_group}#{n}",
            f"pregunta {n}",
            f"respuesta {n}",
            group=f"g{n // per_group}",
            category=["precio", "envio"][n % 2],
            quality=5,
            product="Taza",
        )
        for n in range(count)
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(30, 90), st.integers(1, 4), st.integers(0, 5))
def test_no_conversation_is_on_two_sides(count: int, per_group: int, seed: int) -> None:
    """And nothing is lost."""
    frozen = freeze(answers(count, per_group=per_group), FreezeSettings(seed=seed), CHAT)
    groups = [{e.group for e in part} for part in (frozen.train, frozen.validation, frozen.test)]

    assert not groups[0] & (groups[1] | groups[2])
    assert not groups[1] & groups[2]
    assert sum(frozen.card["rows"].values()) == count


def test_the_same_content_is_the_same_dataset() -> None:
    """In any order; another answer is another dataset, and so is another prompt."""
    rows = answers(40)
    shuffled = random.Random(1).sample(rows, len(rows))
    one, two = (freeze(part, FreezeSettings(), CHAT) for part in (rows, shuffled))

    assert one.id == two.id
    assert freeze([*rows[:-1], answers(41)[-1]], FreezeSettings(), CHAT).id != one.id
    assert freeze(rows, FreezeSettings(), task_of("chat", task={"prompt": "Breve."})).id != one.id


def test_too_few_answers_are_refused() -> None:
    """With the way out."""
    with pytest.raises(NotEnoughDataError) as caught:
        freeze(answers(10), FreezeSettings(), CHAT)
    assert "review" in caught.value.remedy


def test_classes_too_small_to_spread_are_split_by_conversation_alone() -> None:
    """Forty answers in forty categories are no crash."""
    rows = [replace(row, stratum=str(at)) for at, row in enumerate(answers(40))]

    assert sum(freeze(rows, FreezeSettings(), CHAT).card["rows"].values()) == 40


def test_too_few_new_messages_in_the_test_are_said_before_the_training_and_refused_by_it() -> None:
    """Three of the test's messages are in the training too: what is left is too few for a verdict, and that is known now."""
    rows = [labelled(str(n), f"mensaje {n} {'abcdefgh'[n % 8] * 9}", x="y") for n in range(40)]
    dataset = Dataset(
        id=DatasetId("dat_1"),
        task="t",
        kind="classify",
        prompt="",
        answer_schema=None,
        train=tuple(rows[:30]),
        validation=(),
        test=(*rows[30:], *rows[:3]),
        card={"rows": {"train": 30, "validation": 0, "test": 13}},
    )

    note = freeze_note(dataset, least=12)

    assert note.endswith("13 test, 3 of these known from training: too few for a verdict, 12 others are needed")
    assert "too few" not in freeze_note(dataset, least=10)
    with pytest.raises(NotEnoughDataError, match="10 held-out items are not known from training, at least 12"):
        require_items(dataset, make_settings({"evaluate": {"min_items": 12}}))
    require_items(dataset, make_settings({"evaluate": {"min_items": 10}}))


def test_classes_that_training_lacks_are_in_the_card() -> None:
    """No model trained on it can say them; a reader must know before the training."""
    rows = [labelled(str(i), f"mensaje {i}", x=f"l{i % 2}") for i in range(80)]
    rare = [labelled(f"r{n}", f"raro {n}", x=f"rara_{n}") for n in range(12)]

    dataset = freeze([*rows, *rare], FreezeSettings(), classifier("x"))

    known = {e.answer for e in dataset.train}
    missing = dataset.card["labels_not_in_training"]["x"]
    assert {f'{{"x": "{label}"}}' for label in missing} == {
        e.answer for e in (*dataset.validation, *dataset.test)
    } - known
    assert missing
    assert all(rows["validation"] + rows["test"] == 1 for rows in missing.values())
    assert len(unlearnt_sentences(dataset.card)) == 1
    assert all(label in unlearnt_sentences(dataset.card)[0] for label in missing)
