"""What is set aside for a request, and what becomes of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from afina.errors import DatabaseDownError
from afina.ids import ClientId
from afina.serve import budget as module
from afina.serve.budget import DEFAULT_ANSWER, Budget, OpenSession, guessed_tokens
from afina.serve.keys import Key, LimitReachedError, Limits, Reservation, Scope
from afina.serve.problems import RequestProblem

NOW = datetime.now(UTC)
KEY = Key(
    id="key_1",
    client=ClientId("c"),
    name="n",
    scopes=frozenset({Scope.CHAT}),
    created_at=NOW,
    limits=Limits(tokens_per_day=100),
)


@contextmanager
def nothing() -> Iterator[Any]:
    """A session that nobody looks into."""
    yield None


def sessions(_: ClientId) -> OpenSession:
    """Opens such sessions."""
    return nothing


def test_more_is_set_aside_than_most_texts_need() -> None:
    """Two characters a token, and the answers that were asked for, or one of the usual longest."""
    messages: list[dict[str, Any]] = [{"content": "a" * 100}, {"content": None}]

    assert guessed_tokens({"messages": messages, "max_tokens": 20}) == 50 + 16 + 20
    assert guessed_tokens({"messages": messages, "max_completion_tokens": 20, "n": 3}) == 50 + 16 + 60
    assert guessed_tokens({"messages": messages}) == 66 + DEFAULT_ANSWER


@pytest.mark.parametrize("wrong", [-(10**9), 0, "many", [1], True, 1.5, None])
def test_nobody_lowers_what_is_set_aside_by_a_wrong_number(wrong: Any) -> None:
    """An upstream's body is passed on unread: a negative length must not make a budget larger."""
    assert guessed_tokens({"messages": [], "max_tokens": wrong, "n": wrong}) == DEFAULT_ANSWER


def test_a_reservation_is_settled_with_what_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the client's own session."""
    settled: list[tuple[Reservation, int]] = []
    held = Reservation(KEY.id, 90, NOW, KEY.client)
    monkeypatch.setattr(module, "reserve", lambda *_, **__: held)
    monkeypatch.setattr(module, "release", lambda _, one, *, used: settled.append((one, used)))
    budget = Budget(sessions)

    assert asyncio.run(budget.reserve(KEY, 90)) == held
    budget.settle(held, used=12)
    budget.close()

    assert settled == [(held, 12)]


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
        asyncio.run(Budget(sessions).reserve(KEY, 90))

    assert caught.value.status == status
    assert caught.value.headers == ({"retry-after": "12"} if status == 429 else {})
