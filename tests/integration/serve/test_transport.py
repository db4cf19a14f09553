"""In front of somebody else's server: what is passed on, what is kept, who is asked next."""

import asyncio
import contextlib
import gc
import json
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from afina.flows.project import Project
from afina.settings import Settings, make_settings
from afina.wiring.gateway import project_gateway
from tests.integration.serve.conftest import Opened, rows
from tests.integration.serve.standin import Server, completion

ASKED = {"messages": [{"role": "user", "content": "¿Hacen envíos?"}]}


def test_everything_is_passed_on_and_everything_is_kept(opened: Opened, there: Server, project: Project) -> None:
    """Tools, images and keys that we do not know reach the server as they were sent; the whole of it is recorded, with what it cost."""
    there.answers = [completion("", content=None, tool_calls=[{"id": "t1", "function": {"name": "stock"}}])]
    tools = [{"type": "function", "function": {"name": "stock", "parameters": {"type": "object"}}}]
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [
        {"role": "system", "content": "Eres Gus."},
        {"role": "user", "content": "hola"},
        {"role": "assistant", "content": "¿Qué busca?"},
        {"role": "user", "content": [{"type": "text", "text": "esto"}, image]},
    ]
    body = {
        "model": "gpt-x",
        "messages": messages,
        "tools": tools,
        "reasoning_effort": "low",
        "user": "ana",
        "temperature": 0.2,
    }
    named = {
        "conversation": "c-1",
        "channel": "whatsapp",
        "product": "sku-7",
        "category": "stock",
        "product_name": "Taza",
    }
    with opened(there={"url": f"{there.url}/v1", "price_in": 2.0, "price_out": 8.0}) as client:
        reply = client.post("/v1/chat/completions", json={**body, "metadata": named}, headers={"x-request-id": "req-1"})

    assert reply.json() == there.answers[0]
    assert there.asked == [{"path": "/v1/chat/completions", **body}]
    assert reply.headers["x-afina-model"] == "there/gpt-x"
    assert reply.headers["x-request-id"] == "req-1"
    assert float(reply.headers["x-afina-overhead-ms"]) >= 0
    row = rows(project, 1)[0]
    assert row["text"] == "esto\n[image_url]"
    assert [turn["content"] for turn in row["context"]] == ["Eres Gus.", "hola", "¿Qué busca?"]
    assert json.loads(row["answer"])[0]["function"]["name"] == "stock"
    assert row["parameters"] == {
        "model": "gpt-x",
        "tools": tools,
        "reasoning_effort": "low",
        "temperature": 0.2,
        "messages": messages,
    }
    wanted = {
        "user_external_id": "ana",
        "conversation": "c-1",
        "channel": "whatsapp",
        "product": "sku-7",
        "category": "stock",
    }
    assert {name: row[name] for name in wanted} == wanted
    assert row["facts"] == {"product_name": "Taza"}
    assert (row["variant"], row["served_by"], row["request_id"]) == ("upstream", "there/gpt-x", "req-1")
    assert row["model_version_id"] is None
    assert (row["tokens_in"], row["tokens_out"]) == (1000, 500)
    assert row["cost"] == pytest.approx(1000 * 2e-6 + 500 * 8e-6)


def test_a_key_comes_from_the_environment_and_a_model_from_the_settings(
    opened: Opened, there: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller's own key is not passed on."""
    monkeypatch.setenv("THEIR_KEY", "sk-theirs")
    with opened(there={"url": f"{there.url}/v1", "model": "big", "key_env": "THEIR_KEY"}) as client:
        client.post(
            "/v1/chat/completions", json={**ASKED, "model": "small"}, headers={"authorization": "Bearer afk_ours"}
        )

    assert there.asked[0]["model"] == "big"
    assert there.headers[0]["authorization"] == "Bearer sk-theirs"


def test_a_stream_is_passed_on_and_recorded(opened: Opened, there: Server, project: Project) -> None:
    """As it came, but for the counts that nobody asked for; recorded with them."""
    pieces = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Sí, ", "claro.")]
    last = [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"completion_tokens": 2}},
        "[DONE]",
    ]
    there.answers = [[*pieces, *last]]
    with (
        opened(there={"url": f"{there.url}/v1"}) as client,
        client.stream("POST", "/v1/chat/completions", json={**ASKED, "stream": True}) as reply,
    ):
        lines = [line for line in reply.iter_lines() if line]

    assert lines == [*(f"data: {json.dumps(one)}" for one in [*pieces, last[0]]), "data: [DONE]"]
    row = rows(project, 1)[0]
    assert (row["answer"], row["ok"], row["tokens_out"]) == ("Sí, claro.", True, 2)


def test_a_stream_that_breaks_off_is_an_error_for_the_caller_and_kept_as_far_as_it_came(
    opened: Opened, there: Server, project: Project
) -> None:
    """A client must not take half an answer for a whole one."""
    there.answers = [[{"choices": [{"index": 0, "delta": {"content": "Sí, pe"}}]}]]
    with opened(there={"url": f"{there.url}/v1"}) as client:
        client.post("/v1/chat/completions", json={**ASKED, "stream": True})

    row = rows(project, 1)[0]
    assert (row["answer"], row["ok"], row["fault"], row["error"]) == ("Sí, pe", False, "model", "the stream broke off")


@pytest.mark.parametrize(
    "trouble",
    [
        (500, {"error": {"message": "out of memory"}}),
        (401, {"error": {"message": "bad key"}}),
        (404, {"error": {"message": "no such model"}}),
        {"no": "completion"},
        lambda _: None,
    ],
    ids=["breaks", "key", "model", "nonsense", "hangs up"],
)
def test_who_fails_is_followed_by_the_next(
    trouble: Any, opened: Opened, there: Server, other: Server, project: Project
) -> None:
    """The caller gets the other one's answer; both are recorded, the failure as one."""
    there.answers = [trouble]
    with opened(there={"url": f"{there.url}/v1", "retries": 0}, other={"url": f"{other.url}/v1"}) as client:
        first = client.post("/v1/chat/completions", json=ASKED)
        client.post("/v1/chat/completions", json=ASKED)

    assert first.json()["choices"][0]["message"]["content"] == "De la otra."
    assert len(there.asked) <= 2
    assert len(other.asked) == 2
    failed, answered, *_ = rows(project, 3)
    assert (failed["ok"], failed["fault"], failed["served_by"]) == (False, "model", "there")
    assert (answered["ok"], answered["served_by"]) == (True, "other")
    assert failed["request_id"] == answered["request_id"]


def test_a_request_that_is_wrong_is_wrong_everywhere(opened: Opened, there: Server, other: Server) -> None:
    """Nobody else is asked, and the caller reads what the server said."""
    there.answers = [(400, {"error": {"message": "temperature must be below 2"}})]
    with opened(there={"url": f"{there.url}/v1"}, other={"url": f"{other.url}/v1"}) as client:
        reply = client.post("/v1/chat/completions", json=ASKED)

    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == "temperature must be below 2"
    assert other.asked == []


def test_who_is_busy_is_asked_again(opened: Opened, there: Server) -> None:
    """As often as the settings say, after the time it asks for."""
    there.answers = [(429, {"error": {"message": "slow down"}}), completion()]
    with opened(there={"url": f"{there.url}/v1", "retries": 1}) as client:
        assert client.post("/v1/chat/completions", json=ASKED).status_code == 200
        assert len(there.asked) == 2
        there.answers = [(429, {"error": {"message": "slow down"}})]
        reply = client.post("/v1/chat/completions", json=ASKED)

    assert reply.status_code == 429
    assert "slow down" in reply.json()["error"]["message"]


def test_a_server_that_never_answers_is_left_after_its_time(opened: Opened, there: Server, other: Server) -> None:
    """Once: a second wait would be as long."""
    there.answers = [lambda _: time.sleep(1.5)]
    with opened(
        there={"url": f"{there.url}/v1", "timeout_s": 0.3, "retries": 3}, other={"url": f"{other.url}/v1"}
    ) as client:
        began = time.monotonic()
        assert client.post("/v1/chat/completions", json=ASKED).status_code == 200
        assert time.monotonic() - began < 1.2
        client.post("/v1/chat/completions", json=ASKED)

    assert len(there.asked) == 1, "for a while it is asked last"


def test_nobody_is_there(opened: Opened, project: Project) -> None:
    """502 in OpenAI's form, and a record of it."""
    with opened(gone={"url": "http://127.0.0.1:9/v1", "retries": 0}) as client:
        reply = client.post("/v1/chat/completions", json=ASKED)
        assert client.get("/healthz").status_code == 200

    assert reply.status_code == 502
    assert reply.json()["error"]["type"] == "server_error"
    assert rows(project, 1)[0]["fault"] == "model"


def test_an_upstream_is_a_model_by_its_name(opened: Opened, there: Server, other: Server) -> None:
    """It is listed, and whoever names it is answered by it."""
    with opened(there={"url": f"{there.url}/v1"}, other={"url": f"{other.url}/v1"}) as client:
        names = [card["id"] for card in client.get("/v1/models").json()["data"]]
        reply = client.post("/v1/chat/completions", json={**ASKED, "model": "other"})
        tagged = client.post("/api/chat", json={**ASKED, "model": "other", "stream": False})

    assert names == ["there", "other"]
    assert "model" not in other.asked[0], "its own default, not our name of it"
    assert reply.json()["choices"][0]["message"]["content"] == "De la otra."
    assert tagged.json()["message"]["content"] == "De la otra."
    assert there.asked == []


def test_embeddings_are_the_upstreams(opened: Opened, there: Server) -> None:
    """Passed on; without an upstream a clear refusal."""
    there.answers = [{"object": "list", "data": [{"index": 0, "embedding": [0.1]}]}]
    with opened(there={"url": f"{there.url}/v1"}) as client:
        reply = client.post("/v1/embeddings", json={"model": "e", "input": "hola"})
        assert client.post("/v1/embeddings", json={"model": "e"}).status_code == 400
    with opened() as client:
        assert client.post("/v1/embeddings", json={"model": "e", "input": "hola"}).status_code == 501

    assert reply.json() == there.answers[0]
    assert there.asked[0] == {"path": "/v1/embeddings", "model": "e", "input": "hola"}


def slow(_: Any) -> dict[str, Any]:
    """An answer that takes a while."""
    time.sleep(0.2)
    return completion()


def test_fifty_at_once_are_answered_at_once(opened: Opened, there: Server, project: Project) -> None:
    """And each is recorded."""
    there.answers = [slow]
    with opened(there={"url": f"{there.url}/v1"}) as client:

        async def all_at_once() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=client.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
                return await asyncio.gather(*(http.post("/v1/chat/completions", json=ASKED) for _ in range(50)))

        assert client.portal is not None
        replies = client.portal.call(all_at_once)

    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.headers["x-afina-interaction"] for reply in replies}) == 50
    assert len(rows(project, 50)) == 50


def test_an_upstream_needs_its_key(project: Project) -> None:
    """Refused before anything is started; the settings name no key."""
    settings = Settings.model_validate(
        {
            **project.settings.model_dump(),
            "upstream": {"there": {"url": "https://x.example/v1", "key_env": "NO_SUCH_KEY"}},
        }
    )
    with pytest.raises(Exception, match="NO_SUCH_KEY"):
        project_gateway(replace(project, settings=settings))
    with pytest.raises(Exception, match="upstream"):
        make_settings({"upstream": {"there": {"url": "ftp://x"}}})


def test_a_caller_who_leaves_before_the_first_event_is_recorded(
    opened: Opened, there: Server, project: Project
) -> None:
    """A generator that was never begun would run no end: no record, and its worker in use for ever."""
    there.answers = [[{"choices": [{"index": 0, "delta": {"content": "hola"}}]}, "[DONE]"]]
    with opened(there={"url": f"{there.url}/v1"}) as client:

        async def leave() -> None:
            raise OSError

        async def ask() -> None:
            messages = iter([{"type": "http.request", "body": json.dumps({**ASKED, "stream": True}).encode()}])
            headers = [(b"host", b"x"), (b"content-type", b"application/json")]
            scope = {
                "type": "http",
                "asgi": {"spec_version": "2.4", "version": "3.0"},
                "http_version": "1.1",
                "method": "POST",
                "scheme": "http",
                "path": "/v1/chat/completions",
                "raw_path": b"/v1/chat/completions",
                "root_path": "",
                "query_string": b"",
                "headers": headers,
            }

            async def receive() -> Any:
                found = next(messages, None)
                return found if found is not None else await asyncio.Event().wait()

            async def send(_: Any) -> None:
                await leave()

            with contextlib.suppress(Exception):
                await client.app(scope, receive, send)
            gc.collect()
            await asyncio.sleep(0.1)

        assert client.portal is not None
        client.portal.call(ask)

    row = rows(project, 1)[0]
    assert (row["ok"], row["fault"], row["error"]) == (False, "client", "the caller left")


def test_a_server_that_answers_whole_is_read_whole(opened: Opened, there: Server, project: Project) -> None:
    """Although a stream was asked for; a `stream` that is no boolean is refused, because servers read it differently."""
    with opened(there={"url": f"{there.url}/v1"}) as client:
        reply = client.post("/v1/chat/completions", json={**ASKED, "stream": True})
        refused = client.post("/v1/chat/completions", json={**ASKED, "stream": "false"})

    assert reply.json()["choices"][0]["message"]["content"] == "Sí, a todo Chile."
    assert refused.status_code == 400
    row = rows(project, 1)[0]
    assert (row["ok"], row["answer"], row["tokens_in"]) == (True, "Sí, a todo Chile.", 1000)


def test_an_error_inside_a_stream_is_a_failure(opened: Opened, there: Server, project: Project) -> None:
    """Also where the server says [DONE] after it: half an answer is nothing to learn from."""
    there.answers = [
        [{"choices": [{"index": 0, "delta": {"content": "Sí, pe"}}]}, {"error": {"message": "out of memory"}}, "[DONE]"]
    ]
    with opened(there={"url": f"{there.url}/v1"}) as client:
        client.post("/v1/chat/completions", json={**ASKED, "stream": True})

    row = rows(project, 1)[0]
    assert (row["ok"], row["fault"], row["error"]) == (False, "model", "out of memory")


@pytest.mark.parametrize(
    "odd",
    [
        {"stop": "\\u0000"},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"pattern": "[^\\u0000-\\u001f]"}}}]},
        {"x": json.loads("[" * 150 + "]" * 150)},
        {"max_tokens": -5, "n": "many"},
    ],
    ids=["words of an escape", "a pattern", "deep", "wrong numbers"],
)
def test_nothing_that_a_body_says_stops_its_record(
    odd: dict[str, Any], opened: Opened, there: Server, project: Project
) -> None:
    """What is answered is kept."""
    with opened(there={"url": f"{there.url}/v1"}) as client:
        assert client.post("/v1/chat/completions", json={**ASKED, **odd}).status_code == 200

    assert rows(project, 1)[0]["ok"]


@pytest.mark.parametrize("odd", [{"usage": [1]}, {"usage": "x"}], ids=["a list", "a text"])
def test_counts_that_are_none_stop_nothing(
    odd: dict[str, Any], opened: Opened, there: Server, project: Project
) -> None:
    """A server may tell anything."""
    there.answers = [{**completion(), **odd}]
    with opened(there={"url": f"{there.url}/v1"}) as client:
        assert client.post("/v1/chat/completions", json=ASKED).status_code == 200
        assert client.post("/api/chat", json={**ASKED, "stream": False}).status_code == 200

    assert [row["tokens_in"] for row in rows(project, 2)] == [None, None]
