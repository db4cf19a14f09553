"""Connections that cost something only for a while: a limit to their number, and to the time a request's head may take.

uvicorn ends idle connections between requests, and nothing else: who opens 400 and says nothing stops a server for everybody.
"""

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 10.0
MOST_HEAD_BYTES = 65_536
"""Longest head of a request; uvicorn's parser has no limit of its own."""
MAX_CONNECTIONS, SPARE_FILES = 1000, 200
"""Connections at most, and files that workers, database and logs may need beside them."""
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\r\n"
    b'{"error": {"message": "too many connections", "type": "server_error", "code": 503}}'
)


TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
    b'{"error": {"message": "the request\'s head is too long", "type": "invalid_request_error", "code": 431}}'
)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a limit of connections, and of time and length for every request's head."""

    head_timer: asyncio.TimerHandle | None = None
    head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.write(BUSY)
            transport.close()
            return
        self.wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Between two requests the wait for the next head begins with its first byte."""
        if self.head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self.wait_for_head()
        if self.head_timer is not None:
            end = data.find(b"\r\n\r\n")
            self.head_bytes += len(data) if end < 0 else end
            if self.head_bytes > MOST_HEAD_BYTES:
                self.transport.write(TOO_LONG)
                self.transport.close()
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is here."""
        self.stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self.stop_waiting()
        super().connection_lost(exc)

    def wait_for_head(self) -> None:
        """Close the connection unless a whole head arrives in time."""
        self.head_bytes = 0
        self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def stop_waiting(self) -> None:
        """The head is here, or nobody is."""
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None


def most_connections() -> int:
    """How many connections this process can hold and still open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(MAX_CONNECTIONS, files - SPARE_FILES))


def allow_files() -> None:
    """Raise this process's limit of open files to what the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
