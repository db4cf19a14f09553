"""Alerts: answers that take long or fail, records that pile up, silence where feedback was. Each is told when it begins and when it is over."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from afina.serve.metrics import Seen

LOG = logging.getLogger("afina.alerts")
EVERY_S = 15.0
FEWEST = 20
"""Requests below which shares and percentiles say nothing."""
PILE_BYTES = 10_000_000
SILENT_ANSWERS = 2000
"""So many answers without one word about them: a button may be broken. Where people rate, they rate 1 to 3 in a hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """When to alert, and where to post it as JSON; the log has it in any case."""

    p95_ms: float = 10_000.0
    error_rate: float = 0.1
    webhook: str = ""


@dataclass(slots=True)
class Alerts:
    """What is wrong now."""

    rules: AlertRules
    seen: Seen
    active: dict[str, str] = field(default_factory=dict)

    async def follow(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except Exception:
                LOG.exception("alerts are not looked at")

    async def look(self) -> None:
        """Tell what began and what is over."""
        now = problems(self.rules, self.seen)
        for name in sorted(now.keys() - self.active.keys()):
            LOG.error("%s: %s", name, now[name])
            await self.post({"alert": name, "state": "firing", "text": now[name]})
        for name in sorted(self.active.keys() - now.keys()):
            LOG.warning("%s is over", name)
            await self.post({"alert": name, "state": "over", "text": self.active[name]})
        self.active = now

    async def post(self, said: Mapping[str, str]) -> None:
        """To the webhook, if there is one; one that does not answer is no reason to stop."""
        if not self.rules.webhook:
            return
        try:
            async with httpx.AsyncClient(timeout=10.0) as http:
                reply = await http.post(self.rules.webhook, json={"source": "afina", **said})
                reply.raise_for_status()
        except httpx.HTTPError as exc:
            LOG.warning("the webhook did not take it: %s", type(exc).__name__)


def problems(rules: AlertRules, seen: Seen) -> dict[str, str]:
    """What is wrong now, by name."""
    found: dict[str, str] = {}
    past = seen.recent()
    if len(past) >= FEWEST:
        latencies = sorted(one.latency_ms for one in past)
        p95 = latencies[int(0.95 * (len(latencies) - 1))]
        if p95 > rules.p95_ms:
            found["latency"] = (
                f"p95 of {len(past)} requests in five minutes is {p95:.0f} ms (alert above {rules.p95_ms:.0f})"
            )
        failed = sum(one.failed for one in past) / len(past)
        if failed > rules.error_rate:
            found["errors"] = (
                f"{failed:.1%} of {len(past)} requests in five minutes failed (alert above {rules.error_rate:.1%})"
            )
    waiting = seen.waiting()
    if (size := waiting.get("spool_bytes", 0)) > PILE_BYTES:
        found["spool"] = f"{size / 1e6:.0f} MB wait for the database"
    if lost := waiting.get("records_at_risk", 0) + waiting.get("records_lost", 0):
        found["disk"] = f"the disk is full: {lost:.0f} records are in memory only, or lost"
    if seen.since_feedback >= SILENT_ANSWERS:
        found["silence"] = (
            f"{seen.since_feedback:,} answers and not one word about them: does the feedback button work?"
        )
    return found
