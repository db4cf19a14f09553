"""Different answers to one message."""

from dataclasses import replace

import pytest

from afina.curate import curate
from afina.records import Exchange, FeedbackKind
from tests.tasks import classifier, reviewed

TWICE = [("1", "a"), ("2", "b"), ("3", "a"), ("4", "b"), ("5", "b"), ("6", "a"), ("7", "c")]


def said(*rows: tuple[str, str]) -> list[Exchange]:
    """One message with these decisions."""
    return [reviewed(identity, "¿Dónde está mi pedido?", x=label) for identity, label in rows]


@pytest.mark.parametrize(
    ("how", "kept"),
    [("newest", {"7"}), ("majority", {"6"}), ("review", set())],
)
def test_at_most_one_answer_is_learnt(how: str, kept: set[str]) -> None:
    """The newest, the one that most say (of equally many the newest), or none."""
    curated = curate(said(*TWICE), classifier("x", curate={"conflicts": how}))

    assert {one.source for one in curated.examples} == kept
    if how == "review":
        assert all("sent back to review" in one.reason for one in curated.rejections)


def test_an_undisputed_message_is_no_conflict() -> None:
    """Nobody is asked about it."""
    assert len(curate(said(("1", "a"), ("2", "a")), classifier("x", curate={"conflicts": "review"})).examples) == 1


def test_a_person_is_trusted_more_than_a_newer_rating() -> None:
    """Two answers of equal form, one of them only rated."""
    task = classifier("x")
    corrected = said(("1", "a"))[0]
    rated = replace(said(("2", "b"))[0], kind=FeedbackKind.RATED, evidence="rating", quality=5)

    curated = curate([corrected, rated], task)

    assert [one.source for one in curated.examples] == ["1"]
    assert "older, more trusted decision" in curated.rejections[0].reason
