"""What is worth an alert, told once."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from afina.ids import ClientId, InteractionId
from afina.records import Fault, Interaction
from afina.serve.alerts import FEWEST, SILENT_ANSWERS, AlertRules, Alerts, problems
from afina.serve.metrics import Seen

ONE = Interaction(
    id=InteractionId("i"),
    client=ClientId("c"),
    user="",
    text="",
    answer="",
    task="t",
    source="gateway",
    external_id="",
    served_by="there/anything",
    variant="upstream",
)
RULES = AlertRules(p95_ms=100, error_rate=0.1)


def seen(count: int, *, ms: float = 10, fault: Fault = Fault.NONE, **waiting: float) -> Seen:
    """What a gateway saw of so many requests."""
    found = Seen(lambda: waiting)
    for _ in range(count):
        found.count(replace(ONE, latency_ms=ms, fault=fault))
    return found


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (seen(FEWEST), set()),
        (seen(FEWEST, ms=500), {"latency"}),
        (seen(FEWEST - 1, ms=500), set()),
        (seen(FEWEST, fault=Fault.MODEL), {"errors"}),
        (seen(FEWEST, fault=Fault.CLIENT), set()),
        (seen(0, spool_bytes=50e6), {"spool"}),
        (seen(0, records_at_risk=1), {"disk"}),
        (seen(SILENT_ANSWERS), {"silence"}),
    ],
)
def test_what_is_wrong_is_named(found: Seen, names: set[str]) -> None:
    """Few requests say nothing; a caller's fault is no fault of ours."""
    assert set(problems(RULES, found)) == names


def test_an_alert_is_told_when_it_begins_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every quarter of a minute."""
    waiting: dict[str, float] = {"spool_bytes": 50e6}
    alerts = Alerts(RULES, Seen(lambda: waiting))
    told: list[Any] = []

    async def post(_: Alerts, said: Any) -> None:
        told.append(said["state"])

    monkeypatch.setattr(Alerts, "post", post)
    with caplog.at_level(logging.WARNING):
        asyncio.run(alerts.look())
        asyncio.run(alerts.look())
        waiting.clear()
        asyncio.run(alerts.look())

    assert told == ["firing", "over"]
    assert [record.message.split(":")[0] for record in caplog.records] == ["spool", "spool is over"]


def test_feedback_ends_the_silence() -> None:
    """One word is enough."""
    found = seen(SILENT_ANSWERS)
    found.heard("c", "rated")

    assert problems(RULES, found) == {}
