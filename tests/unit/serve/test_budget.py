"""What is set aside for a request, and what becomes of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from afina.errors import DatabaseDownError
from afina.ids import ClientId, InteractionId
from afina.records import Interaction
from afina.serve import budget as module
from afina.serve.budget import DEFAULT_ANSWER, Budget, guessed_tokens
from afina.serve.keys import Key, LimitReachedError, Limits, Reservation, Scope
from afina.serve.problems import RequestProblem

NOW = datetime.now(UTC)
KEY = Key(id="key_1", name="n", scopes=frozenset({Scope.CHAT}), created_at=NOW, limits=Limits(tokens_per_day=100))
SAID = Interaction(
    id=InteractionId("int_1"),
    client=ClientId("c"),
    user="",
    text="",
    answer="",
    task="t",
    source="gateway",
    external_id="",
    tokens_in=7,
    tokens_out=5,
)


@contextmanager
def nothing() -> Iterator[Any]:
    """A session that nobody looks into."""
    yield None


def test_more_is_set_aside_than_most_texts_need() -> None:
    """Two characters a token, and the answer that was asked for, or the usual longest."""
    messages: list[dict[str, Any]] = [{"content": "a" * 100}, {"content": None}]

    assert guessed_tokens(messages, 20) == 50 + 16 + 20
    assert guessed_tokens(messages, None) == 66 + DEFAULT_ANSWER


def test_a_reservation_is_settled_once_with_what_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a key without limits asks the database for nothing."""
    settled: list[tuple[Reservation, int]] = []
    held = Reservation(KEY.id, 90, NOW)
    monkeypatch.setattr(module, "reserve", lambda *_, **__: held)
    monkeypatch.setattr(module, "release", lambda _, one, *, used: settled.append((one, used)))
    budget = Budget(nothing)

    asyncio.run(budget.reserve(KEY, SAID.id, 90))
    budget.settle(SAID)
    budget.settle(SAID)
    asyncio.run(budget.reserve(None, "int_2", 90))
    budget.close()

    assert settled == [(held, 12)]
    assert budget.held == {}


@pytest.mark.parametrize(
    ("error", "status"), [(LimitReachedError("spent", 12.4), 429), (DatabaseDownError("away"), 503)]
)
def test_nobody_spends_what_is_not_there_or_not_known(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spent: come again in so many seconds. The database away: not let through on trust."""

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(module, "reserve", refuse)
    with pytest.raises(RequestProblem) as caught:
        asyncio.run(Budget(nothing).reserve(KEY, "int_1", 90))

    assert caught.value.status == status
    assert caught.value.headers == ({"retry-after": "12"} if status == 429 else {})
