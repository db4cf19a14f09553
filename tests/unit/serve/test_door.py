"""Who is let in, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import Headers

from afina.errors import SettingsError
from afina.ids import ClientId
from afina.serve.door import Door, require_keys
from afina.serve.keys import Key, Scope, hash_of
from afina.serve.news import News

NOW = datetime.now(UTC)


def test_nobody_is_let_in_before_the_keys_are_known() -> None:
    """A gateway that starts while its database is away does not stand open; its health can be asked."""
    door = Door(dict, news=News(lambda _: False))

    assert door.look("/v1/models", Headers({}))[0] == 503
    assert door.look("/healthz", Headers({}))[0] == 0


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/v1/chat/completions", Scope.CHAT, 0),
        ("/v1/feedback", Scope.CHAT, 403),
        ("/v1/feedback", Scope.FEEDBACK, 0),
        ("/api/tags", Scope.FEEDBACK, 403),
        ("/api/tags", Scope.VIEW, 0),
        ("/v1/models", Scope.VIEW, 0),
        ("/metrics", Scope.VIEW, 0),
        ("/metrics", Scope.CHAT, 403),
        ("/v1/chat/completions", Scope.VIEW, 403),
        ("/nlu/parse", Scope.CHAT, 0),
        ("/style/reply", Scope.FEEDBACK, 403),
        ("/v1/interactions", Scope.CHAT, 0),
        ("/api/tags", Scope.CHAT, 0),
        ("/docs", Scope.CHAT, 403),
        ("/docs", Scope.ADMIN, 0),
    ],
)
def test_a_path_needs_what_it_does(path: str, scope: Scope, status: int) -> None:
    """The first beginning that fits; anything else is for administrators."""
    door = Door(dict, news=News(lambda _: False))
    door.keys = {
        hash_of("secret"): Key(id="k", client=ClientId("c"), name="n", scopes=frozenset({scope}), created_at=NOW)
    }
    door.known = True

    assert door.look(path, Headers({"authorization": "bearer secret"}))[0] == status
    assert door.look(path, Headers({"authorization": "Basic secret"}))[0] == 401
    assert door.look(path, Headers({"authorization": "Bearer ñ"}))[0] == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_other_machines_need_keys(host: str) -> None:
    """Refused before anything is started; this machine's own addresses are not."""
    with pytest.raises(SettingsError, match="whoever reaches"):
        require_keys(host, has_keys=False)
    require_keys(host, has_keys=True)
    for own in ("127.0.0.1", "::1", "localhost"):
        require_keys(own, has_keys=False)


def test_an_expired_key_is_no_key() -> None:
    """To the second."""
    now = datetime.now(UTC)
    key = Key(
        id="k",
        client=ClientId("c"),
        name="n",
        scopes=frozenset({Scope.CHAT}),
        created_at=now,
        expires_at=now + timedelta(seconds=1),
    )

    assert key.is_live(now)
    assert not key.is_live(now + timedelta(seconds=1))
