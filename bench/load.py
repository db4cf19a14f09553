"""An open-loop load generator and a server of fixed latency, light enough to stand beside what is measured on two cores.

Requests are sent when they are due, whether earlier ones were answered or not, and a latency counts from when the request was due: a server that
stalls cannot make its own load smaller ("coordinated omission").
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast
from urllib.parse import urlsplit

import uvloop

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "stand-in",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Sale mañana."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
}
PATIENCE_S = 20.0
KEY = "sk-" + sha256(b"bench").hexdigest()
"""A proxy that wants one gets it."""


def length_of(head: bytes) -> int:
    """Of the body that follows a head."""
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


class FixedLatency(asyncio.Protocol):
    """Answers every POST with the same chat completion after `seconds`."""

    seconds = 0.02
    reply = b""

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + length_of(self.buffer[:end])
            if len(self.buffer) < whole:
                return
            self.buffer = self.buffer[whole:]
            asyncio.get_running_loop().call_later(self.seconds, self.answer)

    def answer(self) -> None:
        """Write, if somebody still listens."""
        if not self.transport.is_closing():
            self.transport.write(self.reply)


async def serve(port: int, seconds: float) -> None:
    """Answer for ever."""
    body = json.dumps(ANSWER).encode()
    FixedLatency.seconds = seconds
    FixedLatency.reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    server = await asyncio.get_running_loop().create_server(FixedLatency, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@dataclass(slots=True)
class Load:
    """One run: what is sent where, and what came of it."""

    host: str
    port: int
    request: bytes
    free: deque["Caller"] = field(default_factory=deque)
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    broken: int = 0
    waiting: int = 0


class Caller(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, load: Load) -> None:
        self.load, self.buffer, self.due = load, b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, due: float) -> None:
        """Send a request that is due."""
        self.due = due
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        """The answer, when it is whole."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or len(self.buffer) < end + 4 + length_of(self.buffer[:end]):
            return
        load, status = self.load, int(self.buffer[9:12])
        load.latencies.append(time.perf_counter() - self.due)
        load.statuses[status] = load.statuses.get(status, 0) + 1
        load.waiting -= 1
        self.buffer, self.due = b"", 0.0
        load.free.append(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """A request that was on its way is broken; a free connection is no longer one."""
        if self.due:
            self.load.broken += 1
            self.load.waiting -= 1
        elif self in self.load.free:
            self.load.free.remove(self)


async def send(load: Load, due: float) -> None:
    """A request, over a free connection or a new one."""
    load.waiting += 1
    try:
        if load.free:
            caller = load.free.popleft()
        else:
            _, caller = await asyncio.get_running_loop().create_connection(lambda: Caller(load), load.host, load.port)
        caller.ask(due)
    except OSError:
        load.broken += 1
        load.waiting -= 1


async def run(load: Load, *, rate: float, seconds: float, skipped_s: float) -> None:
    """Send at a rate; what is answered in the first `skipped_s` does not count."""
    began = time.perf_counter()
    number, tasks, skipped = 0, set[asyncio.Task[None]](), False
    while (now := time.perf_counter()) < began + skipped_s + seconds:
        if not skipped and now > began + skipped_s:
            load.latencies.clear()
            load.statuses.clear()
            skipped = True
        while (due := began + number / rate) <= now:
            task = asyncio.create_task(send(load, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(min(0.001, max(0.0, due - time.perf_counter())))
    ended = time.perf_counter() + PATIENCE_S
    while load.waiting and time.perf_counter() < ended:
        await asyncio.sleep(0.01)


def main(argv: list[str] | None = None) -> None:
    """`serve PORT SECONDS`, or `load URL RATE SECONDS BODY`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["serve", "load"])
    parser.add_argument("rest", nargs="+")
    args = parser.parse_args(argv)
    if args.what == "serve":
        uvloop.run(serve(int(args.rest[0]), float(args.rest[1])))
        return
    url, rate, seconds, body = args.rest
    at = urlsplit(url)
    head = f"POST {at.path} HTTP/1.1\r\nhost: {at.netloc}\r\ncontent-type: application/json\r\ncontent-length: {len(body.encode())}\r\n"
    request = f"{head}authorization: Bearer {KEY}\r\n\r\n{body}".encode()
    load = Load(at.hostname or "", at.port or 80, request)
    uvloop.run(run(load, rate=float(rate), seconds=float(seconds), skipped_s=2.0))
    ordered = sorted(load.latencies)
    found = {
        "sent": round(float(rate) * float(seconds)),
        "answered": len(ordered),
        "statuses": load.statuses,
        "broken": load.broken,
        "unanswered": load.waiting,
        "p50_ms": 1000 * ordered[len(ordered) // 2] if ordered else None,
        "p99_ms": 1000 * ordered[int(0.99 * (len(ordered) - 1))] if ordered else None,
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
