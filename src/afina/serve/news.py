"""Hears from the database that versions or keys changed, so that nobody has to ask every second.

PostgreSQL's LISTEN loses what happens while the connection is away: followers ask anyway, seldom while it stands, every second while it does not.
"""

import asyncio
import logging
from collections.abc import Callable

from afina.errors import AfinaError

LOG = logging.getLogger("afina.serve")
LISTEN_S, SELDOM_S, RETRY_S = 0.5, 15.0, 1.0


# Longer waits would hold up the end of the process: a thread cannot be interrupted.


class News:
    """`listen` waits so many seconds for a change; True when there was one."""

    def __init__(self, listen: Callable[[float], bool]) -> None:
        self.listen = listen
        self.hears = False
        self.told = 0
        """How often something changed."""
        self.waiting: set[asyncio.Event] = set()

    async def follow(self) -> None:
        """Listen for ever."""
        while True:
            try:
                changed = await asyncio.to_thread(self.listen, LISTEN_S)
                if changed or not self.hears:  # what happened before the connection stood was not heard
                    self.tell()
                self.hears = True
            except AfinaError:
                self.hears = False
                await asyncio.sleep(RETRY_S)
            except Exception:
                LOG.exception("changes are not heard")
                self.hears = False
                await asyncio.sleep(RETRY_S)

    def tell(self) -> None:
        """Wake everybody who waits; who is busy sees it when they ask."""
        self.told += 1
        for event in self.waiting:
            event.set()

    async def next(self, since: int, *, poll_s: float) -> int:
        """Returns when something changed after `since`, or when it is time to ask anyway; the number to ask with next."""
        if self.told != since:
            return self.told
        event = asyncio.Event()
        self.waiting.add(event)
        try:
            async with asyncio.timeout(max(poll_s, SELDOM_S) if self.hears else poll_s):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting.discard(event)
        return self.told
