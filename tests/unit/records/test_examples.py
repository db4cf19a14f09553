"""An example as a chat, and how far it is trusted."""

from dataclasses import replace

import pytest

from afina.records import Curated, Judged, Origin, Turn
from tests.tasks import replied

ONE = replied("1", "hola", "Hola.")


def test_the_prompt_stands_where_the_chat_brings_no_system_turn() -> None:
    """A plain text has none."""
    own = replace(ONE, turns=(Turn("system", "Propio."), *ONE.turns))

    assert [turn.content for turn in ONE.chat("Breve.")] == ["Breve.", "hola", "Hola."]
    assert [turn.content for turn in own.chat("Breve.")] == ["Propio.", "hola", "Hola."]
    assert [turn.content for turn in replace(ONE, turns=()).chat("Breve.")] == ["Hola."]


@pytest.mark.parametrize(
    ("evidence", "trust"),
    [("corrected", 4), ("accepted", 4), ("rating", 3), ("sale", 3), ("reaction", 2), ("", 1), ("x", 1)],
)
def test_a_person_is_trusted_most(evidence: str, trust: int) -> None:
    """And silence least."""
    assert replace(ONE, origin=Origin(evidence=evidence)).trust == trust


def test_kept_and_rejected_are_all() -> None:
    """A judgement has a step where it rejects."""
    rows = [Judged(example=ONE), Judged(example=ONE, step="rules", reason="short")]
    curated = Curated(judged=rows)

    assert (curated.examples, curated.rejections) == ((ONE,), (rows[1],))
