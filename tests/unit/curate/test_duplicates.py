"""What says the same twice is learnt once."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from afina.curate import curate
from afina.likeness import alike
from tests.tasks import classifier, reviewed, task_of

TASK = classifier("x")
FIRST = "quisiera saber dónde está mi pedido de la semana pasada"
SECOND = "quisiera saber dónde está mi pedido de la semana pasado"


def test_of_near_duplicates_with_one_answer_the_newest_stays() -> None:
    """They are 0.85 alike."""
    curated = curate([reviewed("1", FIRST, x="a"), reviewed("2", SECOND, x="a")], TASK)

    assert [one.source for one in curated.examples] == ["2"]
    assert curated.rejections[0].reason == "near duplicate of a newer message"


def test_near_duplicates_with_different_answers_both_stay() -> None:
    """The little that differs is what there is to learn."""
    assert len(curate([reviewed("1", FIRST, x="a"), reviewed("2", SECOND, x="b")], TASK).examples) == 2


def test_the_threshold_is_the_settings() -> None:
    """At 1 only texts with the same pieces are copies."""
    rows = [reviewed("1", FIRST, x="a"), reviewed("2", SECOND, x="a")]

    assert len(curate(rows, classifier("x", curate={"near_duplicate": 1.0})).examples) == 2


@given(
    st.lists(
        st.lists(st.sampled_from(["uno", "dos", "tres", "cuatro", "cinco", "seis"]), min_size=3, max_size=9),
        max_size=20,
    ),
    st.randoms(),
)
@settings(deadline=None, max_examples=40)
def test_a_step_twice_changes_nothing_and_nothing_kept_is_near_another(
    rows: list[list[str]], shuffler: random.Random
) -> None:
    """What is kept is a fixed point."""
    said = [reviewed(str(at), " ".join(row), x=shuffler.choice("ab")) for at, row in enumerate(rows)]

    once = curate(said, TASK).examples
    again = curate([one for one in said if one.id in {e.source for e in once}], TASK).examples

    assert [one.source for one in again] == [one.source for one in once]
    for at, one in enumerate(once):
        assert not any(alike(one.message, other.message) >= 0.8 and one.answer == other.answer for other in once[:at])


def test_documents_are_compared_as_texts() -> None:
    """Their answer is the text."""
    task = task_of("documents", curate={"min_chars": 1})
    rows = [reviewed(str(at), text) for at, text in enumerate((FIRST, SECOND))]
    plain = [type(one)(id=one.id, turns=one.turns, answer="") for one in rows]

    assert len(curate(plain, task).examples) == 1
