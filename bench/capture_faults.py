"""Is everything kept that a caller was told is done? A gateway under load while gateway, PostgreSQL and callers go away in the middle.

    python -m bench.capture_faults [--rounds 20] [--rate 300] [--away 60]

A real project with the embedded PostgreSQL; the gateway is a process of its own, its model a stand-in that answers after 20 ms (nothing is
measured of models). Requests come at a fixed rate, whoever answers; one in ten callers hangs up at once. Each round ends with kill -9: of the
gateway (started again at once) or of PostgreSQL (brought back by its supervisor), in turn; then the database stays away for `--away` seconds, in
which the spool's disk (8 MB, where this user may mount one: `disk_full`) fills up. In the end the gateway is stopped and started once more. Prints
one JSON line: `acknowledged` (answers with 200 that arrived whole), `lost` (of those, not in the database), `doubled` (rows of one answer beyond
the first), `kills`, `errors_5xx`, `refused` (no connection while the gateway was down).
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import uvicorn

from afina.flows.project import Project
from afina.store.server import read_state, stop_embedded
from afina.wiring import open_project
from afina.wiring.gateway import project_gateway

UPSTREAM_S = 0.02
ANSWER = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Sale mañana."}, "finish_reason": "stop"}]
}
BODY = {"messages": [{"role": "user", "content": "¿Cuándo sale mi pedido?"}], "max_tokens": 16}
PATIENCE_S = 30.0
DISK_MB = 8
"""Room for the records of half a minute at 300 a second."""


def gateway(folder: Path, port: int, upstream: str) -> None:
    """In a process of its own: the gateway of a project in front of the stand-in."""
    flags = {"upstream": {"there": {"url": f"{upstream}/v1"}}}
    app, recorder = project_gateway(open_project(folder, flags=flags))
    try:
        uvicorn.run(app, port=port, log_level="critical", timeout_graceful_shutdown=5)
    finally:
        recorder.close()


async def stand_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A model that needs 20 ms."""
    reply = json.dumps(ANSWER).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(reply)}\r\n\r\n".encode()
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            request = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(request.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            await asyncio.sleep(UPSTREAM_S)
            writer.write(head + reply)
            await writer.drain()
    writer.close()


def start_stand_in() -> str:
    """Serve the stand-in in a thread. Returns its address."""
    ready: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(stand_in, "127.0.0.1", 0)
        ready.append(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    while not ready:
        time.sleep(0.01)
    return f"http://127.0.0.1:{ready[0]}"


@dataclass(slots=True)
class Seen:
    """What the callers saw."""

    acknowledged: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    refused: int = 0
    hung_up: int = 0


async def ask(client: httpx.AsyncClient, seen: Seen, *, hang_up: bool) -> None:
    """One caller."""
    try:
        async with asyncio.timeout(0.01 if hang_up else PATIENCE_S):
            reply = await client.post("/v1/chat/completions", json=BODY)
    except TimeoutError:
        seen.hung_up += 1
    except httpx.HTTPError:
        seen.refused += 1
    else:
        seen.statuses[reply.status_code] = seen.statuses.get(reply.status_code, 0) + 1
        if reply.status_code == httpx.codes.OK:
            seen.acknowledged.append(reply.headers["x-afina-interaction"])


async def load(url: str, seen: Seen, *, rate: float, ended: threading.Event) -> None:
    """Requests at a fixed rate until told to end."""
    limits = httpx.Limits(max_connections=400, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE_S) as client:
        waiting: set[asyncio.Task[None]] = set()
        began, number = time.monotonic(), 0
        while not ended.is_set():
            while number < (time.monotonic() - began) * rate and len(waiting) < 350:
                task = asyncio.create_task(ask(client, seen, hang_up=number % 10 == 9))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                number += 1
            number = max(
                number, int((time.monotonic() - began - 1) * rate)
            )  # what could not be sent in time is not sent later
            await asyncio.sleep(0.002)
        if waiting:
            await asyncio.wait(waiting, timeout=PATIENCE_S)


def start_gateway(folder: Path, port: int, upstream: str) -> subprocess.Popen[bytes]:
    """Started, and answering."""
    command = [sys.executable, "-m", "bench.capture_faults", "--gateway", str(folder), str(port), upstream]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        time.sleep(0.05)
    raise RuntimeError("the gateway does not start")


def kill_database(control: Path) -> None:
    """PostgreSQL, -9."""
    state = read_state(control)
    if state is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.server, signal.SIGKILL)


def stay_away(control: Path, seconds: float) -> None:
    """No database for so long: nobody brings it back meanwhile."""
    state = read_state(control)
    if state is None:
        return
    supervisor = psutil.Process(state.supervisor)
    supervisor.suspend()
    try:
        kill_database(control)
        time.sleep(seconds)
    finally:
        supervisor.resume()


def kept(folder: Path, wanted: int) -> dict[str, int]:
    """Interaction → rows in the database, once it has come to rest."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(Exception), open_project(folder).session() as session:
            rows = session.execute("SELECT external_id, count(*) AS n FROM app.interactions GROUP BY 1").fetchall()
            if len(rows) >= wanted or time.monotonic() > deadline:
                return {row["external_id"]: row["n"] for row in rows}
        if time.monotonic() > deadline + 60:
            raise psycopg.OperationalError("the database did not come back")
        time.sleep(0.5)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """A disk of its own below a folder, so small that it fills while the database is away. False where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


def run(folder: Path, *, rounds: int, rate: float, away: float) -> dict[str, Any]:
    """All rounds."""
    (folder / "afina.toml").write_text("", "utf-8")
    project = open_project(folder)
    with project.session() as session:
        session.execute("SELECT 1")
    with small_disk(project.paths.spool, DISK_MB) as mounted:
        return {**attacked(folder, project, rounds=rounds, rate=rate, away=away), "disk_full": mounted}


def attacked(folder: Path, project: Project, *, rounds: int, rate: float, away: float) -> dict[str, Any]:
    """The same, on whatever disk the spool is."""
    upstream, port = start_stand_in(), free_port()
    process = start_gateway(folder, port, upstream)
    seen, ended = Seen(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(load(f"http://127.0.0.1:{port}", seen, rate=rate, ended=ended))
    )
    thread.start()
    for number in range(rounds):
        time.sleep(3)
        if number % 2:
            kill_database(project.paths.database)
        else:
            process.kill()
            process.wait()
            process = start_gateway(folder, port, upstream)
        sys.stderr.write(f"round {number + 1}: {len(seen.acknowledged)} acknowledged, {seen.statuses}\n")
    stay_away(project.paths.database, away)
    time.sleep(2)
    ended.set()
    thread.join()
    process.terminate()
    process.wait(60)
    process = start_gateway(folder, port, upstream)
    rows = kept(folder, len(seen.acknowledged))
    process.terminate()
    process.wait(60)
    stop_embedded(project.paths.database)
    return {
        "acknowledged": len(seen.acknowledged),
        "lost": sum(identity not in rows for identity in seen.acknowledged),
        "doubled": sum(count - 1 for count in rows.values()),
        "kills": rounds + 1,
        "errors_5xx": sum(count for status, count in seen.statuses.items() if status >= 500),
        "statuses": seen.statuses,
        "refused": seen.refused,
        "hung_up": seen.hung_up,
        "rows": len(rows),
    }


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--away", type=float, default=60)
    parser.add_argument("--gateway", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.gateway:
        gateway(Path(options.gateway[0]), int(options.gateway[1]), options.gateway[2])
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = run(Path(folder), rounds=options.rounds, rate=options.rate, away=options.away)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
