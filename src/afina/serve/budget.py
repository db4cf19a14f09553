"""What a key may spend: set aside in the database before a request is answered, settled when it is."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from afina.errors import AfinaError
from afina.ids import ClientId
from afina.records import Interaction
from afina.serve.exchange import text_of
from afina.serve.keys import Key, LimitReachedError, Reservation, release, reserve
from afina.serve.problems import RequestProblem
from afina.store.pool import Connection

LOG = logging.getLogger("afina.serve")
OpenSession = Callable[[], AbstractContextManager[Connection]]
CHARACTERS_A_TOKEN, TOKENS_A_TURN = 2, 8
"""How a prompt's tokens are guessed before it is read; most texts have more characters a token."""
DEFAULT_ANSWER = 1024
"""Tokens set aside for an answer whose length the caller does not bound."""


def guessed_tokens(sent: Mapping[str, Any]) -> int:
    """What a chat completion's body may need at most, about. An upstream's body may say anything: what is no count counts as none."""
    messages = sent["messages"]
    characters = sum(len(text_of(message.get("content"))) for message in messages)
    most = count(sent.get("max_tokens")) or count(sent.get("max_completion_tokens")) or DEFAULT_ANSWER
    answers = count(sent.get("n")) or 1
    return characters // CHARACTERS_A_TOKEN + TOKENS_A_TURN * len(messages) + most * answers


def spent(interaction: Interaction) -> int:
    """What an exchange cost its key. Where the server told no counts (an upstream that never does, a stream that was cut) they are guessed: who
    leaves early has had the prompt read all the same.
    """
    if not interaction.ok and not interaction.answer and interaction.tokens_in is None:
        return 0
    characters = len(interaction.text) + sum(len(turn.content) for turn in interaction.context)
    read = characters // CHARACTERS_A_TOKEN if interaction.tokens_in is None else interaction.tokens_in
    written = (
        len(interaction.answer) // CHARACTERS_A_TOKEN if interaction.tokens_out is None else interaction.tokens_out
    )
    return read + written


def count(value: Any) -> int | None:
    """A whole number from 1 on that a row can hold."""
    return min(value, 10**9) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


class Budget:
    """Reservations of the requests that are being answered. `session` opens a transaction of a client."""

    def __init__(self, session: Callable[[ClientId], OpenSession]) -> None:
        self.session = session
        self.desk = ThreadPoolExecutor(4, "budget")

    async def reserve(self, key: Key, tokens: int) -> Reservation | None:
        """Set aside what an answer may need; None where the key has no budget of tokens.

        Raises:
            RequestProblem: 429, the key has not enough left; 503, nobody knows, because the database does not answer.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self.desk, self.reserve_now, key, tokens)
        except LimitReachedError as exc:
            wait = {"retry-after": f"{max(1, round(exc.wait_s))}"}
            raise RequestProblem(429, str(exc), headers=wait) from exc
        except AfinaError as exc:
            raise RequestProblem(503, "what this key has left is not known: the database does not answer") from exc

    def reserve_now(self, key: Key, tokens: int) -> Reservation | None:
        """The same, at once."""
        with self.session(key.client)() as session:
            return reserve(session, key, tokens=tokens)

    def settle(self, held: Reservation, *, used: int) -> None:
        """Give back what was not needed; waits for nobody."""
        self.desk.submit(self.settle_now, held, used)

    def settle_now(self, held: Reservation, used: int) -> None:
        """The same, at once. What cannot be settled stays spent."""
        try:
            with self.session(held.client)() as session:
                release(session, held, used=used)
        except AfinaError as exc:
            LOG.warning("%d tokens of %s stay set aside: %s", held.tokens, held.key, exc)

    def close(self) -> None:
        """Settle what is left."""
        self.desk.shutdown(wait=True, cancel_futures=False)
