"""The gateway looks after its canary."""

import asyncio
import logging
import time

import pytest

from afina.errors import DatabaseDownError
from afina.flows.project import Project
from afina.flows.rollouts import history
from afina.records import Rollout
from afina.serve.alerts import AlertRules, Alerts
from afina.serve.metrics import Seen
from afina.serve.watch import Watch
from tests.integration.serve.conftest import Opened
from tests.integration.serve.standin import Server
from tests.integration.users import traffic


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


def test_a_harmful_canary_goes_while_only_the_gateway_runs(project: Project, canary: Rollout, opened: Opened) -> None:
    """Nobody calls a command; production is what it was, and the record says who did it and why."""
    traffic(project, canary, range(300), bad=lambda side: 0.6 if side else 0.0)
    with opened({"release": {"settle_seconds": 0.1}}):
        deadline = time.monotonic() + 30
        while history(project)[-1]["to_state"] != "rolled_back":
            assert time.monotonic() < deadline
            time.sleep(0.1)

    last = history(project)[-1]
    assert (last["name"], last["actor"]) == ("v2", "gateway")
    assert last["reason"].startswith("worse on errors: ")
    production = project.ledger.in_production()
    assert production is not None
    assert production.model_version == "mod_v1"
