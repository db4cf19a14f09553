"""Followers are woken by what changed, and by the clock."""

import asyncio
import time

from afina.errors import DatabaseDownError
from afina.serve.news import News


def test_a_change_wakes_everybody_at_once() -> None:
    """Without waiting for the next time to ask."""

    async def story() -> float:
        news = News(lambda _: False)
        news.hears = True
        waiting = [asyncio.create_task(news.next(0, poll_s=30)) for _ in range(3)]
        await asyncio.sleep(0)
        began = time.monotonic()
        news.tell()
        await asyncio.gather(*waiting)
        return time.monotonic() - began

    assert asyncio.run(story()) < 1


def test_without_the_database_followers_ask_by_the_clock() -> None:
    """What is said while nobody listens is lost: the first time that listening works again everybody asks."""
    answers: list[object] = [DatabaseDownError("away"), True, False]

    def listen(_: float) -> bool:
        answer = answers.pop(0) if answers else False
        time.sleep(0.02)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    async def story() -> tuple[bool, bool]:
        news = News(listen)
        follower = asyncio.create_task(news.follow())
        await news.next(0, poll_s=0.01)
        heard_before = news.hears
        await asyncio.wait_for(news.next(0, poll_s=30), 5)
        follower.cancel()
        return heard_before, news.hears

    assert asyncio.run(story()) == (False, True)
