"""Hours of the day."""

from datetime import datetime

import pytest

from afina.flows.give_way import outside_hours


@pytest.mark.parametrize(
    ("hours", "hour", "waits"),
    [
        ("", 12, False),
        ("22-6", 23, False),
        ("22-6", 5, False),
        ("22-6", 6, True),
        ("22-6", 12, True),
        ("9-17", 9, False),
        ("9-17", 17, True),
    ],
)
def test_heavy_work_keeps_to_its_hours(hours: str, hour: int, waits: bool) -> None:
    """Local time; over midnight too."""
    local = datetime(2026, 3, 4, hour, 30).astimezone()

    assert bool(outside_hours(hours, local)) is waits
