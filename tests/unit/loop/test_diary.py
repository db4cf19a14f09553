"""How long ago things were done, and failed."""

from datetime import UTC, datetime, timedelta

from afina.loop.diary import Last

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(hours: float) -> datetime:
    """So long before."""
    return NOW - timedelta(hours=hours)


def test_hours_since_and_never_before() -> None:
    """A clock that was set back makes nothing negative."""
    last = Last({"curate": ago(5), "report": ago(-3)}, {}, None)

    assert last.hours(NOW) == {"curate": 5.0, "report": 0.0}


def test_what_was_done_since_has_not_failed() -> None:
    """Each step by itself."""
    last = Last({"curate": ago(5), "freeze": ago(1)}, {"curate": ago(2), "freeze": ago(4)}, None)

    assert last.hours_failed(NOW) == {"curate": 2.0}


def test_training_and_going_on_with_it_fail_as_one() -> None:
    """Until either of them is done."""
    assert Last({}, {"train": ago(3)}, None).hours_failed(NOW) == {"train": 3.0, "resume": 3.0}
    assert Last({}, {"resume": ago(2), "train": ago(3)}, None).hours_failed(NOW) == {"train": 2.0, "resume": 2.0}
    assert Last({"resume": ago(1)}, {"train": ago(3)}, None).hours_failed(NOW) == {}
