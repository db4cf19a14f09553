"""Who asks, as a request says it."""

import string
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from afina.ids import ClientId
from afina.serve.caller import MAX_FACTS, Caller, caller_of, request_id
from afina.serve.keys import Key, Scope

KEY = Key(id="k", client=ClientId("acme"), name="n", scopes=frozenset({Scope.CHAT}), created_at=datetime.now(UTC))


def caller(body: dict[str, Any], *, key: Key | None = None, **headers: str) -> Caller:
    """Of a request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return caller_of(Request({"type": "http", "headers": raw, "state": {"key": key}}), body, client=ClientId("own"))


def test_the_client_is_the_keys() -> None:
    """Whatever a header or the body says."""
    said = {"client": "acme", "metadata": {"client": "acme"}}

    assert caller(said, x_client="acme").client == "own"
    assert caller(said, key=KEY).client == "acme"


def test_metadata_beats_headers_and_the_rest_of_it_are_facts() -> None:
    """Conversation, channel, product and category have places of their own."""
    found = caller(
        {"user": "ana", "metadata": {"conversation": "c1", "product": 7, "size": "M"}},
        x_conversation="c2",
        x_channel="web",
        x_user="eva",
    )

    assert (found.user, found.conversation, found.channel, found.product, found.category) == (
        "ana",
        "c1",
        "web",
        "7",
        "",
    )
    assert found.facts == {"size": "M"}


def test_hostile_metadata_stays_small() -> None:
    """Of any number and length; what is no object says nothing."""
    found = caller({"metadata": {str(n): "x" * 10_000 for n in range(500)}, "user": "u" * 9000})

    assert len(found.facts) == MAX_FACTS
    assert max(map(len, found.facts.values())) <= 2000
    assert len(found.user) == 512
    assert caller({"metadata": [1, 2]}).facts == {}


@given(st.text())
def test_a_request_id_is_a_plain_word(given_id: str) -> None:
    """It stands in logs, headers and rows: no line breaks, no markup; others are replaced."""
    found = request_id(given_id)

    assert 0 < len(found) <= 128
    assert set(found) <= set(string.ascii_letters + string.digits + "-_.:")
    assert request_id(found) == found
