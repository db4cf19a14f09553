"""Somebody else's OpenAI-compatible server, as bad as a test needs it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: str = "Sí, a todo Chile.", **message: Any) -> dict[str, Any]:
    """What an OpenAI-compatible server answers."""
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "c1",
        "object": "chat.completion",
        "model": "their-model",
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500},
    }


@dataclass
class Server:
    """Somebody's server: answers what it is told to, in order, the last one for ever; remembers what it was asked."""

    answers: list[Any] = field(default_factory=lambda: [completion()])
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Any:
        """What comes now."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    """HTTP over it. An answer is a body, a status with a body, a list of stream pieces, or something to do."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            server.asked.append({"path": self.path, **json.loads(raw)})
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = server.next()
            if callable(answer):
                answer = answer(self)
            if answer is None:
                self.close_connection = True
                return
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            if isinstance(body, list):
                self.stream(body)
                return
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            if status == 429:
                self.send_header("retry-after", "0")
            self.end_headers()
            self.wfile.write(content)

        def stream(self, pieces: list[Any]) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for piece in pieces:
                line = piece if isinstance(piece, str) else json.dumps(piece)
                self.wfile.write(f"data: {line}\n\n".encode())
                self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def started(server: Server) -> Iterator[Server]:
    """While it listens."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler(server))
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listener.server_address[1]}"
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
