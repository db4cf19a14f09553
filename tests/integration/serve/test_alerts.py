"""Alerts reach whoever listens; a webhook that does not answer stops nothing."""

import asyncio

from afina.serve.alerts import AlertRules, Alerts
from afina.serve.metrics import Seen
from tests.integration.serve.standin import Server


def test_an_alert_is_posted_when_it_begins_and_when_it_is_over(there: Server) -> None:
    """As JSON, with its name, its state and words for people."""
    waiting: dict[str, float] = {"records_lost": 3}
    there.answers = [{"ok": True}]
    alerts = Alerts(AlertRules(webhook=f"{there.url}/hook"), Seen(lambda: waiting))

    asyncio.run(alerts.look())
    waiting.clear()
    asyncio.run(alerts.look())

    text = "the disk is full: 3 records are in memory only, or lost"
    assert there.asked == [
        {"path": "/hook", "source": "afina", "alert": "disk", "state": state, "text": text}
        for state in ("firing", "over")
    ]


def test_a_webhook_that_is_gone_stops_nothing() -> None:
    """The log has it."""
    alerts = Alerts(AlertRules(webhook="http://127.0.0.1:9/"), Seen(lambda: {"records_lost": 1.0}))

    asyncio.run(alerts.look())

    assert list(alerts.active) == ["disk"]
