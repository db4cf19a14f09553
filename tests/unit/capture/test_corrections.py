"""Reviewed messages from a file."""

from pathlib import Path

import pytest
from afina.capture.corrections import Correction

from afina.capture import read_corrections
from afina.demo.story import sample_file
from afina.errors import InputError
from afina.ids import ClientId
from afina.records import FeedbackKind

HEAD = "id,text,user,predicted_topic,confidence,topic,created_at\n"


def read(folder: Path, body: str) -> list[Correction]:
    """A file with one field, `topic`."""
    path = folder / "c.csv"
    path.write_text(HEAD + body, "utf-8")
    return read_corrections(path, client=ClientId("c"), task="t", fields=["topic"])


def test_agreement_is_acceptance_and_difference_is_correction(tmp_path: Path) -> None:
    """Both are evidence, of different kinds."""
    found = read(tmp_path, "1,hola,u1,pago,0.9,pago,2026-01-02T03:04:05+00:00\n2,chao,u1,pago,,envio,\n")

    assert [c.feedback.kind for c in found] == [FeedbackKind.ACCEPTED, FeedbackKind.CORRECTED]
    assert found[0].interaction.confidence == 0.9
    assert found[0].interaction.created_at is not None
    assert found[1].feedback.value == {"topic": "envio"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("1,a,,,,x,\n1,b,,,,x,\n", "line 3: the id '1' is already on line 2"),
        ("1,a,,,high,x,\n", "line 2: column 'confidence' is 'high'"),
        ("1,a,,,7,x,\n", "expected 0 to 1"),
        ("1,a,,,,x,yesterday\n", "created_at is 'yesterday'"),
    ],
)
def test_mistakes_name_line_and_column(tmp_path: Path, body: str, words: str) -> None:
    """Nothing is imported from a file with a mistake."""
    with pytest.raises(InputError, match=words):
        read(tmp_path, body)


def test_the_sample_is_what_it_says() -> None:
    """Three fields, many users, corrections and acceptances."""
    found = read_corrections(sample_file(), client=ClientId("c"), task="t", fields=["sentiment", "topic", "intent"])

    assert len(found) == 780
    assert len({c.interaction.user for c in found}) == 180
    assert {len(set(c.feedback.value)) for c in found} == {3}
    assert 0 < sum(c.feedback.kind is FeedbackKind.ACCEPTED for c in found) < len(found)
