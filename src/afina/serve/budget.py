"""What a key may spend: set aside in the database before a request is answered, settled when it is."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from afina.errors import AfinaError
from afina.records import Interaction
from afina.serve.keys import Key, LimitReachedError, Reservation, release, reserve
from afina.serve.problems import RequestProblem
from afina.store.pool import Connection

LOG = logging.getLogger("afina.serve")
OpenSession = Callable[[], AbstractContextManager[Connection]]
CHARACTERS_A_TOKEN, TOKENS_A_TURN = 2, 8
"""How a prompt's tokens are guessed before it is read; most texts have more characters a token."""
DEFAULT_ANSWER = 1024
"""Tokens set aside for an answer whose length the caller does not bound."""


def guessed_tokens(messages: list[dict[str, Any]], most: int | None) -> int:
    """What a request may need at most, about."""
    characters = sum(len(message.get("content") or "") for message in messages)
    return characters // CHARACTERS_A_TOKEN + TOKENS_A_TURN * len(messages) + (most or DEFAULT_ANSWER)


class Budget:
    """Reservations of the requests that are being answered."""

    def __init__(self, session: OpenSession) -> None:
        self.session = session
        self.held: dict[str, Reservation] = {}
        self.desk = ThreadPoolExecutor(4, "budget")

    async def reserve(self, key: Key | None, interaction: str, tokens: int) -> None:
        """Set aside what an interaction may need.

        Raises:
            RequestProblem: 429, the key has not enough left; 503, nobody knows, because the database does not answer.
        """
        if key is None or not key.limits.any:
            return
        try:
            held = await asyncio.get_running_loop().run_in_executor(self.desk, self.reserve_now, key, tokens)
        except LimitReachedError as exc:
            wait = {"retry-after": f"{max(1, round(exc.wait_s))}"}
            raise RequestProblem(429, str(exc), headers=wait) from exc
        except AfinaError as exc:
            raise RequestProblem(503, "what this key has left is not known: the database does not answer") from exc
        if held is not None:
            self.held[interaction] = held

    def reserve_now(self, key: Key, tokens: int) -> Reservation | None:
        """The same, at once."""
        with self.session() as session:
            return reserve(session, key, tokens=tokens)

    def settle(self, interaction: Interaction) -> None:
        """Give back what was not needed; waits for nobody."""
        held = self.held.pop(interaction.id, None)
        if held is not None:
            used = (interaction.tokens_in or 0) + (interaction.tokens_out or 0)
            self.desk.submit(self.settle_now, held, used)

    def settle_now(self, held: Reservation, used: int) -> None:
        """The same, at once. What cannot be settled stays spent."""
        try:
            with self.session() as session:
                release(session, held, used=used)
        except AfinaError as exc:
            LOG.warning("%d tokens of %s stay set aside: %s", held.tokens, held.key, exc)

    def close(self) -> None:
        """Settle what is left."""
        self.desk.shutdown(wait=True, cancel_futures=False)
