"""The canary is looked at as long as the gateway lives: a harmful one goes by itself, whatever else runs on this machine."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from afina.errors import AfinaError
from afina.serve.alerts import Alerts

LOG = logging.getLogger("afina.alerts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`look` acts on what the traffic says and tells what it did, in a sentence each; nothing most of the time."""

    look: Callable[[], list[str]]
    alerts: Alerts
    every_s: float

    async def follow(self) -> None:
        """Look for ever. A database that is away is asked again."""
        while True:
            await asyncio.sleep(self.every_s)
            try:
                for told in await asyncio.to_thread(self.look):
                    LOG.warning("canary: %s", told)
                    await self.alerts.post({"alert": "canary", "state": "told", "text": told})
            except AfinaError as exc:
                LOG.warning("the canary was not looked at: %s", exc)
            except Exception:
                LOG.exception("the canary was not looked at")
