"""Nothing that was answered is lost when the database is away, refuses a row, or the disk is full."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from afina.capture import Kept, Recorder, Spool, SpoolOptions
from afina.capture import recorder as module
from afina.errors import DatabaseDownError, DiskFullError, StoreError
from afina.ids import ClientId, FeedbackId, InteractionId
from afina.records import Fault, Feedback, FeedbackKind, Interaction, Turn

OPTIONS = SpoolOptions(sync_ms=1)


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
        context=(Turn("system", "s"),),
        fault=Fault.CLIENT,
        ok=False,
        latency_ms=1.5,
    )


LIKED = Feedback(
    id=FeedbackId("fbk_1"),
    client=ClientId("c"),
    interaction=None,
    conversation="chat",
    kind=FeedbackKind.RATED,
    value={},
    reviewer="",
    rating=5,
)


def away(_batch: Sequence[Kept]) -> None:
    """A database that is away."""
    raise DatabaseDownError("away")


def until(true: Callable[[], bool]) -> None:
    """Wait for something, five seconds at most."""
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


def test_what_the_database_does_not_take_waits_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every record once, in order, as it was."""
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    recorder = Recorder(away, spool=Spool(tmp_path, OPTIONS))
    for number in range(60):
        recorder(said(number))
    recorder(LIKED)
    recorder.close()
    taken: list[Kept] = []
    heir = Recorder(taken.extend, spool=Spool(tmp_path, OPTIONS))
    until(lambda: len(taken) == 61)
    heir.close()

    assert taken == [*(said(n) for n in range(60)), LIKED]
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_database_that_comes_back_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away no call waits."""
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    taken: list[Kept] = []
    is_away = True

    def save(batch: Sequence[Kept]) -> None:
        if is_away:
            raise DatabaseDownError("away")
        taken.extend(batch)

    recorder = Recorder(save, spool=Spool(tmp_path, OPTIONS))
    began = time.monotonic()
    for number in range(1200):
        recorder(said(number))
    took = time.monotonic() - began
    is_away = False
    until(lambda: len(taken) == 1200)
    recorder.close()

    assert took < 2
    assert taken == [said(n) for n in range(1200)]
    assert (recorder.counts.taken, recorder.counts.stored, recorder.counts.lost) == (1200, 1200, 0)


def test_one_row_that_is_refused_is_put_aside(tmp_path: Path) -> None:
    """The others pass; the refused one can be read."""
    taken: list[Kept] = []

    def save(batch: Sequence[Kept]) -> None:
        if any(one.id == "int_7" for one in batch):
            raise StoreError("a row that does not fit")
        taken.extend(batch)

    recorder = Recorder(save, spool=Spool(tmp_path, OPTIONS))
    for number in range(20):
        recorder(said(number))
    until(lambda: len(taken) == 19)
    recorder.close()

    assert "mensaje 7" in (tmp_path / module.REFUSED).read_text("utf-8")
    assert recorder.counts.refused == 1


def test_a_record_of_another_version_is_put_aside_alone(tmp_path: Path) -> None:
    """Those behind it in the same segment are recorded."""
    taken: list[Kept] = []
    spool = Spool(tmp_path, OPTIONS)
    for record in (module.as_bytes(said(1)), b'["thought", {"id": "tho_1"}]', module.as_bytes(said(2))):
        spool.append(record)
    recorder = Recorder(taken.extend, spool=spool)
    until(lambda: len(taken) == 2)
    recorder.close()

    assert taken == [said(1), said(2)]
    assert (tmp_path / module.REFUSED).read_bytes() == b'["thought", {"id": "tho_1"}]\n'
    assert recorder.counts.refused == 1


def test_a_full_disk_is_counted_and_loses_nothing_while_the_database_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory takes over, within bounds."""
    taken: list[Kept] = []
    spool = Spool(tmp_path, OPTIONS)
    recorder = Recorder(taken.extend, spool=spool)

    def full(_record: bytes) -> None:
        raise DiskFullError("full")

    with monkeypatch.context() as patch:
        patch.setattr(spool, "append", full)
        for number in range(5):
            recorder(said(number))
        assert recorder.full == "full"
        until(lambda: len(taken) == 5)
    recorder(said(5))
    until(lambda: len(taken) == 6)
    recorder.close()

    assert recorder.full == ""
    assert recorder.counts.lost == 0


def test_nothing_is_answered_that_cannot_be_kept_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; one a second is let through, which finds out that there is room again."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    spool = Spool(tmp_path, OPTIONS)
    recorder = Recorder(lambda _: None, spool=spool)
    assert recorder.refuses() == ""

    def full(_record: bytes) -> None:
        raise DiskFullError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(spool, "append", full)
        recorder(said(1))
        assert [recorder.refuses(), recorder.refuses()] == ["no room", "no room"]
        now += 1.5
        assert [recorder.refuses(), recorder.refuses()] == ["", "no room"]
    recorder(said(2))
    assert recorder.refuses() == ""
    monkeypatch.undo()
    recorder.close()


def test_without_room_anywhere_the_loss_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silent."""
    monkeypatch.setattr(module, "IN_MEMORY", 3)
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    spool = Spool(tmp_path, SpoolOptions(most_bytes=10, sync_ms=0))
    recorder = Recorder(away, spool=spool)
    for number in range(5):
        recorder(said(number))
    assert recorder.counts.lost == 2
    recorder.close()
    assert recorder.counts.lost == 5


def test_a_damaged_segment_is_put_aside_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its name in the log; what was whole before the damage is recorded."""
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    recorder = Recorder(away, spool=Spool(tmp_path, OPTIONS))
    for number in range(10):
        recorder(said(number))
    recorder.close()
    (segment,) = tmp_path.glob("*/*.spool")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(bytes(content))
    taken: list[Kept] = []
    heir = Recorder(taken.extend, spool=Spool(tmp_path, OPTIONS))
    heir(said(10))
    until(lambda: said(10) in taken)
    heir.close()

    assert taken[:4] == [said(n) for n in range(4)]
    assert len(list(tmp_path.glob("damaged-*"))) == 1
