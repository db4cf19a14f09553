"""Quality rules and duplicates."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from afina.curate import Candidate, curate
from afina.curate.curate import normalised
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
    """Case, accents and punctuation do not make a new message."""
    kept = [normalised(e.text) or e.text for e in curate(rows, RULES).examples]

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
        Candidate(id="1", text="¿Dónde está?", target={"x": "a"}),
        Candidate(id="2", text="donde esta", target={"x": "b"}),
    ]

    curated = curate(rows, RULES)

    assert [(e.source, e.target["x"]) for e in curated.examples] == [("2", "b")]
    assert "contradicted" in curated.rejections[0].reason


@given(st.text())
def test_normalising_is_stable(text: str) -> None:
    """The same text in another Unicode form is the same message."""
    assert normalised(unicodedata.normalize("NFD", text)) == normalised(unicodedata.normalize("NFC", text))
