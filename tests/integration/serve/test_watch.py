"""The gateway looks after its canary."""

import asyncio
import logging

import pytest

from afina.errors import DatabaseDownError
from afina.serve.alerts import AlertRules, Alerts
from afina.serve.metrics import Seen
from afina.serve.watch import Watch
from tests.integration.serve.standin import Server


def test_what_was_done_is_told_and_a_dead_database_stops_nothing(
    there: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log and at the webhook; the next look comes."""
    there.answers = [{"ok": True}]
    looks: list[list[str] | Exception] = [
        [],
        DatabaseDownError("gone"),
        ZeroDivisionError(),
        ["v2: roll back: worse on errors"],
    ]

    def look() -> list[str]:
        found = looks.pop(0) if looks else []
        if isinstance(found, Exception):
            raise found
        return found

    async def some_time() -> None:
        alerts = Alerts(AlertRules(webhook=f"{there.url}/hook"), Seen(dict))
        task = asyncio.create_task(Watch(look=look, alerts=alerts, every_s=0.02).follow())
        while not there.asked:
            await asyncio.sleep(0.01)
        task.cancel()

    with caplog.at_level(logging.WARNING, "afina.alerts"):
        asyncio.run(asyncio.wait_for(some_time(), 20))

    assert there.asked[0]["text"] == "v2: roll back: worse on errors"
    assert "the canary was not looked at: gone" in caplog.text
