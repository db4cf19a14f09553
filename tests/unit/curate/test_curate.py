"""Quality rules and duplicates."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.curate import curate
from afina.records import Exchange
from afina.sameness import message_key
from tests.tasks import classifier, reviewed

TASK = classifier("x", curate={"max_chars": 50})
texts = st.text(max_size=60)
candidates = st.lists(st.tuples(texts, st.sampled_from(["a", "b", ""]))).map(
    lambda rows: [reviewed(str(i), text, x=label) for i, (text, label) in enumerate(rows)]
)


@given(candidates)
def test_nothing_is_lost(rows: list[Exchange]) -> None:
    """Every candidate is an example or a rejection with a reason."""
    curated = curate(rows, TASK)

    assert sorted([*(e.source for e in curated.examples), *(r.source for r in curated.rejections)]) == sorted(
        c.id for c in rows
    )
    assert all(r.reason for r in curated.rejections)


@given(candidates)
def test_what_is_kept_has_no_duplicate(rows: list[Exchange]) -> None:
    """Case and white space do not make a new message."""
    kept = [message_key(e.message) for e in curate(rows, TASK).examples]

    assert len(kept) == len(set(kept))


@given(candidates)
def test_curating_twice_changes_nothing(rows: list[Exchange]) -> None:
    """The rules are idempotent."""
    once = curate(rows, TASK).examples
    again = curate([reviewed(e.source, e.message, **json.loads(e.answer)) for e in once], TASK)

    assert [(e.message, e.answer) for e in again.examples] == [(e.message, e.answer) for e in once]
    assert not again.rejections


def test_the_newest_decision_wins() -> None:
    """A reviewer may change their mind; the older row says why it went."""
    rows = [
        reviewed("1", "¿Dónde  está?", x="a"),
        reviewed("2", "¿dónde está?", x="b"),
    ]

    curated = curate(rows, TASK)

    assert [(e.source, json.loads(e.answer)["x"]) for e in curated.examples] == [("2", "b")]
    assert "contradicted" in curated.rejections[0].reason


DIFFERENT = [
    ("👍", "👎"), ("0+2", "0-2"), ("que?", "que!"), ("C++", "C#"), ("mi año", "mi ano"), ("की", "का"), ("มา", "มี"), ("5 < 3", "5 > 3"),
    ("te odio :)", "te odio :("), ("papá", "papa"), ("👍🏿", "👍"), ("10 %", "10 €"), ("m²", "m2"), ("má", "ma"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_messages_that_differ_in_a_sign_are_two(one: str, other: str) -> None:
    """A decision on one of them says nothing about the other."""
    rows = [reviewed("1", one, x="a"), reviewed("2", other, x="b")]

    assert len(curate(rows, classifier("x", curate={"min_chars": 1})).examples) == 2


@pytest.mark.parametrize("spelling", ["pago ", " pago", "pa\u200bgo", "pago"])
def test_blanks_and_unicode_forms_do_not_make_a_class(spelling: str) -> None:
    """'envío' composed and decomposed is one class, and so is a label with a blank behind it."""
    rows = [
        reviewed("1", "uno", x=spelling, y=unicodedata.normalize("NFD", "envío")),
        reviewed("2", "dos", x="pago", y="envío"),
    ]

    assert len({e.answer for e in curate(rows, classifier("x", "y")).examples}) == 1


@pytest.mark.parametrize(
    "text", ["DÃ³nde estÃ¡ mi envÃ\xado", "20 \x80", "el \x93caro\x94", "queda \ufffd uno", "itâ€™s late"]
)
def test_damaged_texts_and_labels_are_rejected(text: str) -> None:
    """What was read in a wrong encoding cannot be learnt, as message or as class."""
    curated = curate([reviewed("1", text, x="a"), reviewed("2", "hola", x=text)], TASK)

    assert not curated.examples
    assert all("damaged characters" in r.reason for r in curated.rejections)


@pytest.mark.parametrize("text", ["CAFÉ»", "NÃO", "SÃO PAULO", "30 °C ± 2", "हिन्दी", "œuf"])
def test_unusual_texts_are_no_damage(text: str) -> None:
    """Real words that look like a wrong encoding at a glance."""
    assert curate([reviewed("1", text, x="a")], TASK).examples
