"""Rows of a file as traffic."""

from pathlib import Path

import pytest

from afina.capture import read_entries
from afina.demo.story import sample
from afina.errors import InputError
from afina.ids import ClientId
from afina.records import Entry, FeedbackKind
from tests.tasks import classifier, task_of

HEAD = "id,text,user,predicted_topic,confidence,topic,created_at\n"
CLIENT = ClientId("c")


def read(folder: Path, body: str) -> list[Entry]:
    """A file with one field, `topic`."""
    path = folder / "c.csv"
    path.write_text(HEAD + body, "utf-8")
    return read_entries(path, classifier("topic"), client=CLIENT)


def test_agreement_is_acceptance_and_difference_is_correction(tmp_path: Path) -> None:
    """Both are evidence, of different kinds."""
    found = read(tmp_path, "1,hola,u1,pago,0.9,pago,2026-01-02T03:04:05+00:00\n2,chao,u1,pago,,envio,\n")

    assert [e.feedback and e.feedback.kind for e in found] == [FeedbackKind.ACCEPTED, FeedbackKind.CORRECTED]
    assert found[0].interaction.confidence == 0.9
    assert found[0].interaction.created_at is not None
    assert found[1].feedback
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


def test_every_answer_of_a_conversation_is_known_apart() -> None:
    """With what was said before it and what the user wrote next; nobody decided anything."""
    found = read_entries(sample("conversations.jsonl"), task_of("chat"), client=CLIENT)

    ids = [e.interaction.external_id for e in found]
    assert len(ids) == len(set(ids))
    assert all(e.feedback is None and e.interaction.conversation for e in found)
    later = next(e.interaction for e in found if len(e.interaction.context) == 2)
    assert [turn.role for turn in later.context] == ["user", "assistant"]
    assert any(e.interaction.reaction for e in found)


def test_documents_are_files_of_a_folder(tmp_path: Path) -> None:
    """Each with its name, which keeps its pieces together."""
    (tmp_path / "a.md").write_text("Uno.", "utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.txt").write_text("Dos.", "utf-8")

    found = read_entries(tmp_path, task_of("documents"), client=CLIENT)

    assert [(e.interaction.text, e.interaction.conversation) for e in found] == [("Uno.", "a.md"), ("Dos.", "b/c.txt")]


def test_the_sample_is_what_it_says() -> None:
    """Three fields, many users, corrections and acceptances."""
    task = classifier("sentiment", "topic", "intent")
    found = read_entries(sample("corrections.csv"), task, client=CLIENT)

    assert len(found) == 780
    assert len({e.interaction.user for e in found}) == 180
    assert {len(set(e.feedback.value)) for e in found if e.feedback} == {3}
    assert 0 < sum(e.feedback is not None and e.feedback.kind is FeedbackKind.ACCEPTED for e in found) < len(found)
