"""Quality rules and duplicates."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.curate import Candidate, curate
from afina.sameness import message_key
from afina.settings import CurateSettings

RULES = CurateSettings.model_validate({"max_chars": 50})
texts = st.text(max_size=60)
candidates = st.lists(st.tuples(texts, st.sampled_from(["a", "b", ""]))).map(
    lambda rows: [Candidate(id=str(i), text=text, target={"x": label}) for i, (text, label) in enumerate(rows)]
)


@given(candidates)
def test_nothing_is_lost(rows: list[Candidate]) -> None:
    """Every candidate is an example or a rejection with a reason."""
    curated = curate(rows, RULES)

    assert sorted([*(e.source for e in curated.examples), *(r.source for r in curated.rejections)]) == sorted(
        c.id for c in rows
    )
    assert all(r.reason for r in curated.rejections)


@given(candidates)
def test_what_is_kept_has_no_duplicate(rows: list[Candidate]) -> None:
    """Case and white space do not make a new message."""
    kept = [message_key(e.text) for e in curate(rows, RULES).examples]

    assert len(kept) == len(set(kept))


@given(candidates)
def test_curating_twice_changes_nothing(rows: list[Candidate]) -> None:
    """The rules are idempotent."""
    once = curate(rows, RULES).examples
    again = curate([Candidate(id=e.source, text=e.text, target=e.target) for e in once], RULES)

    assert [(e.text, e.target) for e in again.examples] == [(e.text, e.target) for e in once]
    assert not again.rejections


def test_the_newest_decision_wins() -> None:
    """A reviewer may change their mind; the older row says why it went."""
    rows = [
        Candidate(id="1", text="¿Dónde  está?", target={"x": "a"}),
        Candidate(id="2", text="¿dónde está?", target={"x": "b"}),
    ]

    curated = curate(rows, RULES)

    assert [(e.source, e.target["x"]) for e in curated.examples] == [("2", "b")]
    assert "contradicted" in curated.rejections[0].reason


DIFFERENT = [
    ("👍", "👎"), ("0+2", "0-2"), ("que?", "que!"), ("C++", "C#"), ("mi año", "mi ano"), ("की", "का"), ("มา", "มี"), ("5 < 3", "5 > 3"),
    ("te odio :)", "te odio :("), ("papá", "papa"), ("👍🏿", "👍"), ("10 %", "10 €"), ("m²", "m2"), ("má", "ma"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_messages_that_differ_in_a_sign_are_two(one: str, other: str) -> None:
    """A decision on one of them says nothing about the other."""
    rows = [Candidate(id="1", text=one, target={"x": "a"}), Candidate(id="2", text=other, target={"x": "b"})]

    assert len(curate(rows, CurateSettings(min_chars=1)).examples) == 2


@pytest.mark.parametrize("spelling", ["pago ", " pago", "pa\u200bgo", "pago"])
def test_blanks_and_unicode_forms_do_not_make_a_class(spelling: str) -> None:
    """'envío' composed and decomposed is one class, and so is a label with a blank behind it."""
    rows = [
        Candidate(id="1", text="uno", target={"x": spelling, "y": unicodedata.normalize("NFD", "envío")}),
        Candidate(id="2", text="dos", target={"x": "pago", "y": "envío"}),
    ]

    assert len({tuple(e.target.items()) for e in curate(rows, RULES).examples}) == 1


@pytest.mark.parametrize(
    "text", ["DÃ³nde estÃ¡ mi envÃ\xado", "20 \x80", "el \x93caro\x94", "queda \ufffd uno", "itâ€™s late"]
)
def test_damaged_texts_and_labels_are_rejected(text: str) -> None:
    """What was read in a wrong encoding cannot be learnt, as message or as class."""
    curated = curate(
        [Candidate(id="1", text=text, target={"x": "a"}), Candidate(id="2", text="hola", target={"x": text})], RULES
    )

    assert not curated.examples
    assert all("damaged characters" in r.reason for r in curated.rejections)


@pytest.mark.parametrize("text", ["CAFÉ»", "NÃO", "SÃO PAULO", "30 °C ± 2", "हिन्दी", "œuf"])
def test_unusual_texts_are_no_damage(text: str) -> None:
    """Real words that look like a wrong encoding at a glance."""
    assert curate([Candidate(id="1", text=text, target={"x": "a"})], RULES).examples
