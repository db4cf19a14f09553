"""Nothing that was answered is lost when the database is away at the end."""

from pathlib import Path

import pytest

from afina.capture import Recorder
from afina.capture.unsaved import keep_unsaved, record_unsaved
from afina.errors import DatabaseDownError, StoreError
from afina.ids import ClientId, InteractionId
from afina.records import Fault, Interaction


def said(number: int) -> Interaction:
    """An interaction."""
    return Interaction(
        id=InteractionId(f"int_{number}"),
        client=ClientId("c"),
        user="u",
        text=f"mensaje {number} 👍",
        answer="a",
        task="t",
        source="gateway",
        external_id=str(number),
        fault=Fault.CLIENT,
        ok=False,
        latency_ms=1.5,
    )


def away(_batch: list[Interaction]) -> None:
    """A database that is away."""
    raise DatabaseDownError("away")


def test_what_the_database_does_not_take_is_kept_and_recorded_later(tmp_path: Path) -> None:
    """Every one of them, once, as it was."""
    recorder = Recorder(away, keep=keep_unsaved(tmp_path / "unsaved"))
    for number in range(60):
        recorder(said(number))
    recorder.close()
    taken: list[Interaction] = []

    with pytest.raises(DatabaseDownError):
        record_unsaved(tmp_path / "unsaved", away)
    assert record_unsaved(tmp_path / "unsaved", taken.extend) == 60
    assert sorted(taken, key=lambda i: int(i.external_id)) == [said(n) for n in range(60)]
    assert record_unsaved(tmp_path / "unsaved", taken.extend) == 0


def test_a_database_that_answers_leaves_nothing_to_keep(tmp_path: Path) -> None:
    """The usual end."""
    taken: list[Interaction] = []
    recorder = Recorder(taken.extend, keep=keep_unsaved(tmp_path / "unsaved"))
    for number in range(500):
        recorder(said(number))
    recorder.close()

    assert len(taken) == 500
    assert not (tmp_path / "unsaved").exists()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """And stays where it is."""
    (tmp_path / "1.jsonl").write_text('{"id": 1\n', "utf-8")

    with pytest.raises(StoreError, match=r"1.jsonl, line 1: damaged"):
        record_unsaved(tmp_path, lambda _: None)
    assert (tmp_path / "1.jsonl").exists()
