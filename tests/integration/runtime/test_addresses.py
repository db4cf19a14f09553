"""Addresses that are not llama.cpp: asked in the dialect they understand, read in the form they answer in."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from afina.errors import RuntimeFailedError
from afina.records import Turn
from afina.runtime import RuntimeClient
from afina.runtime.grammar import in_form

ASKED = [Turn("user", "hola")]
Answer = Callable[[dict[str, Any]], tuple[int, Any]]


def completion(content: Any, **more: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        **more,
    }


@contextmanager
def address(answer: Answer) -> Iterator[RuntimeClient]:
    """A client of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing."""

        def do_POST(self) -> None:
            """Answer."""
            self.say(*answer(json.loads(self.rfile.read(int(self.headers["content-length"])))))

        def do_GET(self) -> None:
            """Answer what is asked without a body."""
            self.say(*answer({"path": self.path}))

        def say(self, status: int, value: Any) -> None:
            """A status and its body."""
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with RuntimeClient(f"http://127.0.0.1:{server.server_port}", model="m") as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("told", "digest"),
    [
        ({"models": [{"name": "x", "digest": "1"}, {"name": "m", "digest": "ab12"}]}, "ab12"),
        ({"models": [{"name": "m:latest", "digest": "cd34"}]}, "cd34"),
        ({"models": []}, ""),
        ({"models": ["m"]}, ""),
        ({"data": [{"id": "m"}]}, ""),
        (b"<html>", ""),
    ],
)
def test_a_model_is_known_by_its_digest_where_the_address_tells_one(told: Any, digest: str) -> None:
    """As Ollama does, whose tag may be made anew; others are known by their name."""
    with address(lambda body: (200, told) if body == {"path": "/api/tags"} else (404, {})) as client:
        assert client.digest() == digest


def refusing(key: str, message: str) -> Answer:
    """Refuses a key; otherwise says which keys it got."""
    return lambda body: (
        (400, {"error": {"message": message}}) if key in body else (200, completion(" ".join(sorted(body))))
    )


def test_who_writes_yaml_is_bound_by_nothing_elsewhere() -> None:
    """No address binds YAML, and bound to JSON a model that was tuned to YAML would not know what to write."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    with address(lambda body: (200, completion(" ".join(sorted(body))))) as client:
        assert "response_format" in client.chat(ASKED, schema=schema).text
        assert "response_format" not in client.chat(ASKED, schema=in_form(schema, "yaml")).text


def test_newer_models_are_asked_with_max_completion_tokens() -> None:
    """Told once, remembered."""
    with address(refusing("max_tokens", "Unsupported parameter: use 'max_completion_tokens' instead.")) as client:
        for _ in range(2):
            assert "max_completion_tokens" in client.chat(ASKED, schema=None).text


def test_a_fixed_temperature_is_left_to_the_address() -> None:
    """It answers with its own; a notice says so."""
    with address(refusing("temperature", "temperature must be 1")) as client:
        assert "temperature" not in client.chat(ASKED, schema=None).text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (completion([{"type": "text", "text": "👍"}, {"type": "text", "text": "!"}]), "👍!"),
        (completion(None), ""),
        (completion("sí", usage={"prompt_tokens": None, "completion_tokens": None}), "sí"),
        (completion("sí", usage=None), "sí"),
        (completion("<think>hm</think>\nsí"), "sí"),
    ],
)
def test_answers_are_read_in_every_form(value: Any, text: str) -> None:
    """Parts, nothing, null counts, thinking."""
    with address(lambda _: (200, value)) as client:
        assert client.chat(ASKED, schema=None).text == text


@pytest.mark.parametrize("value", [{"error": {"message": "overloaded"}}, b"<html>", completion(5), {"choices": []}, []])
def test_what_is_no_answer_is_an_error(value: Any) -> None:
    """And no text that is scored."""
    with address(lambda _: (200, value)) as client, pytest.raises(RuntimeFailedError):
        client.chat(ASKED, schema=None)


def test_other_refusals_stay_refusals() -> None:
    """A wrong key is not asked again for ever."""
    asked: list[int] = []

    def wrong(_body: dict[str, Any]) -> tuple[int, Any]:
        asked.append(1)
        return 401, {"error": {"message": "bad key"}}

    with address(wrong) as client, pytest.raises(RuntimeFailedError, match="401"):
        client.chat(ASKED, schema=None)
    assert len(asked) == 1
