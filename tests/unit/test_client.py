"""The Python client: what it sends, what it makes of replies."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from afina.client import Afina, AsyncAfina, GatewayError

CHAT = {"choices": [{"message": {"role": "assistant", "content": "Sí."}}]}
HEADERS = {"x-afina-interaction": "int_1", "x-afina-model": "m:v1"}
Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> tuple[Afina, list[tuple[str, Any, str]]]:
    """A client whose gateway answers like this, and what it was asked."""
    asked: list[tuple[str, Any, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, json.loads(request.content), request.headers.get("authorization", "")))
        return answer(request)

    made = Afina("http://gateway", key="afk_1")
    made.http = httpx.Client(
        base_url="http://gateway", headers=made.http.headers, transport=httpx.MockTransport(handle)
    )
    return made, asked


def test_a_chat_says_whose_and_where_it_is() -> None:
    """Names go into OpenAI's metadata; what comes back can be given feedback on."""
    afina, asked = client(lambda _: httpx.Response(200, json=CHAT, headers=HEADERS))
    reply = afina.chat("hola", user="ana", conversation="c1", channel="web", temperature=0)
    afina.feedback(reply.interaction, liked=True, comment=None)

    assert (reply.text, reply.interaction, reply.model) == ("Sí.", "int_1", "m:v1")
    body = {
        "user": "ana",
        "temperature": 0,
        "messages": [{"role": "user", "content": "hola"}],
        "metadata": {"conversation": "c1", "channel": "web"},
    }
    assert asked == [
        ("/v1/chat/completions", body, "Bearer afk_1"),
        ("/v1/feedback", {"interaction": "int_1", "liked": True}, "Bearer afk_1"),
    ]


def test_a_capture_is_the_documents_call() -> None:
    """userId is a fact; the customer, the history and the product have places of their own."""
    afina, asked = client(lambda _: httpx.Response(200, json={"interaction": "int_2"}))
    context = {"historial": [{"role": "user", "content": "a"}], "productId": "7", "customerId": "569", "id": "wamid.1"}

    assert afina.capture_interaction("owner-1", "c1", "¿precio?", "$990", context)
    assert asked[0][:2] == (
        "/v1/interactions",
        {
            "text": "¿precio?",
            "answer": "$990",
            "conversation": "c1",
            "user": "569",
            "history": [{"role": "user", "content": "a"}],
            "metadata": {"owner": "owner-1", "product": "7"},
            "id": "wamid.1",
        },
    )


def raises(_: httpx.Request) -> httpx.Response:
    """Nobody is there."""
    raise httpx.ConnectError("no")


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (lambda _: httpx.Response(429, json={"error": {"message": "spent"}}), 429, "spent"),
        (lambda _: httpx.Response(502, text="<html>"), 502, "<html>"),
        (raises, 0, "does not answer"),
    ],
)
def test_a_refusal_is_an_error_but_for_a_capture(answer: Answer, status: int, text: str) -> None:
    """What was said to the customer must not break on what is recorded of it."""
    afina, _ = client(answer)
    with pytest.raises(GatewayError, match=text) as caught:
        afina.classify("hola")

    assert caught.value.status == status
    assert afina.capture_interaction("o", "c", "m", "r") is False


def test_the_asynchronous_client_has_the_same_calls() -> None:
    """Name by name, and they work."""
    calls = {name for name in vars(Afina) if not name.startswith("_")}

    assert calls == {name for name in vars(AsyncAfina) if not name.startswith("_")}

    async def ask() -> Any:
        made = AsyncAfina("http://gateway")
        made.http = httpx.AsyncClient(
            base_url="http://gateway",
            transport=httpx.MockTransport(
                lambda _: httpx.Response(200, json={"text": "ok", "findings": []}, headers=HEADERS)
            ),
        )
        async with made as afina:
            return await afina.ask("hola"), await afina.capture_interaction("o", "c", "m", "r")

    reply, taken = asyncio.run(ask())
    assert (reply.text, taken) == ("ok", True)
