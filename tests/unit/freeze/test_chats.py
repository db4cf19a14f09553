"""Chat datasets: split by conversation, named by content."""

import json
import random
from dataclasses import replace

import pytest
from afina.freeze.chats import as_jsonl, freeze_chats
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.errors import NotEnoughDataError
from afina.records import ChatExample, Turn
from afina.settings import FreezeSettings


def examples(count: int, *, per_group: int = 2) -> list[ChatExample]:
    """Answers of conversations with several exchanges each."""
    return [
        ChatExample(
            id=f"g{n // per_group}#{n}",
            context=(Turn("user", f"pregunta {n}"),),
            answer=f"respuesta {n}",
            group=f"g{n // per_group}",
            category=["precio", "envio"][n % 2],
            quality=5,
            success=False,
            product="Taza",
        )
        for n in range(count)
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(30, 90), st.integers(1, 4), st.integers(0, 5))
def test_no_conversation_is_on_two_sides(count: int, per_group: int, seed: int) -> None:
    """And nothing is lost."""
    frozen = freeze_chats(examples(count, per_group=per_group), FreezeSettings(seed=seed), task="chat", system="")
    groups = [{e.group for e in part} for part in (frozen.train, frozen.validation, frozen.test)]

    assert not groups[0] & (groups[1] | groups[2])
    assert not groups[1] & groups[2]
    assert sum(frozen.card["rows"].values()) == count


def test_the_same_content_is_the_same_dataset() -> None:
    """In any order; another answer is another dataset."""
    rows = examples(40)
    shuffled = random.Random(1).sample(rows, len(rows))
    one, two = (freeze_chats(part, FreezeSettings(), task="chat", system="") for part in (rows, shuffled))

    assert one.id == two.id
    assert freeze_chats([*rows[:-1], examples(41)[-1]], FreezeSettings(), task="chat", system="").id != one.id


def test_too_few_answers_are_refused() -> None:
    """With the way out."""
    with pytest.raises(NotEnoughDataError) as caught:
        freeze_chats(examples(10), FreezeSettings(), task="chat", system="")
    assert "min_quality" in caught.value.remedy


def test_the_training_file_is_the_documents() -> None:
    """Messages and metadata with the document's names."""
    row = json.loads(as_jsonl(examples(1)))

    assert [m["role"] for m in row["messages"]] == ["user", "assistant"]
    assert row["metadata"] == {"category": "precio", "productName": "Taza", "qualityScore": 5}


def test_classes_too_small_to_spread_are_split_by_conversation_alone() -> None:
    """Forty answers in forty categories are no crash."""
    rows = [replace(row, category=str(at)) for at, row in enumerate(examples(40))]

    frozen = freeze_chats(rows, FreezeSettings(), task="chat", system="")
    assert sum(frozen.card["rows"].values()) == 40
