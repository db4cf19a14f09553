"""Whoever sends what no client should: the right status in OpenAI's form, nothing of it in the log, and the others are answered meanwhile."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from afina.store.paths import Paths
from afina.wiring import open_project
from tests.conftest import remove_cluster
from tests.e2e.conftest import environment
from tests.integration.serve.standin import Server, completion, started

pytestmark = pytest.mark.e2e
CHAT = "/v1/chat/completions"
GOOD = {"messages": [{"role": "user", "content": "hola"}]}


@dataclass(frozen=True)
class Gate:
    """A gateway process in front of a stand-in."""

    url: str
    folder: Path
    there: Server

    def alive(self) -> None:
        """A neighbour is answered, soon."""
        began = time.monotonic()
        assert httpx.post(self.url + CHAT, json=GOOD, timeout=10).status_code == 200
        assert time.monotonic() - began < 3

    def connect(self) -> socket.socket:
        """A bare connection."""
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "log").read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One for all of these: each must leave it well for the next."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "afina.toml").write_text('[task]\nkind = "chat"\n')
    afina = str(Path(sys.executable).with_name("afina"))
    with started(Server([completion()])) as there, (folder / "log").open("w") as log:
        command = [afina, "serve", "--port", "0", "--upstream", f"{there.url}/v1"]
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout is not None
            url = next(found[0] for line in process.stdout if (found := re.search(r"http://[\d.:]+", line)))
            yield Gate(url, folder, there)
            assert process.poll() is None, "it ended"
        finally:
            process.terminate()
            process.communicate(timeout=30)
            remove_cluster(Paths(folder).database)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"[" * 200_000, 400),
        (b'{"messages": ' + b'[{"a":' * 50_000, 400),
        (b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}', 400),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', 400),
        (b'{"messages": [{"role": "user", "content": 1e999}]}', 400),
        (b'{"messages": "x"}', 400),
        (b'{"messages": [7]}', 400),
        (b'{"messages": [], "model": {"a": []}}', 400),
        (b"\x00" * 1000, 400),
        (b"", 400),
        (b'{"messages": [], "user": {"a": 1}}', 400),
        (b" " * 50_000_000, 413),
    ],
    ids=[
        "deep",
        "deep objects",
        "no utf-8",
        "half a character",
        "endless",
        "text",
        "number",
        "model",
        "nul",
        "empty",
        "none",
        "50 MB",
    ],
)
def test_bodies_that_are_none(gate: Gate, raw: bytes, status: int) -> None:
    """Refused before anybody is asked."""
    before = len(gate.there.asked)
    try:
        reply = httpx.post(gate.url + CHAT, content=raw, timeout=60)
    except (httpx.WriteError, httpx.ReadError):  # it closed the connection under a body that is too large
        assert status == 413
    else:
        assert reply.status_code == status
        assert reply.json()["error"]["type"] == "invalid_request_error"
    assert len(gate.there.asked) == before
    gate.alive()


def test_texts_that_a_database_cannot_hold_are_answered_and_kept(gate: Gate) -> None:
    """NUL characters are left out of the record."""
    reply = httpx.post(
        gate.url + CHAT, json={"messages": [{"role": "user", "content": "a\x00b"}], "user": "n\x00"}, timeout=30
    )
    assert reply.status_code == 200
    row = kept(gate, reply.headers["x-afina-interaction"])
    assert (row["text"], row["user_external_id"]) == ("ab", "n")


def kept(gate: Gate, interaction: str) -> dict[str, object]:
    """Its row, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with open_project(gate.folder).session() as session:
            row = session.execute("SELECT * FROM app.interactions WHERE id = %s", (interaction,)).fetchone()
        if row is not None:
            return row
        time.sleep(0.1)
    raise AssertionError(interaction)


def test_who_dribbles_is_cut_off_and_nobody_waits_for_it(gate: Gate) -> None:
    """50 connections that send a byte a second of their heads, 10 that promise a body and do not send it."""
    slow = [gate.connect() for _ in range(60)]
    for number, one in enumerate(slow):
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
        one.sendall(head if number < 50 else head + b"content-length: 1000\r\n\r\n{")
    gate.alive()
    time.sleep(12)
    gate.alive()
    ended = 0
    for one in slow:
        one.settimeout(1)
        with contextlib.suppress(OSError):
            answer = one.recv(4096)
            ended += answer == b"" or answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))
        one.close()
    assert ended == 60


def test_floods_of_heads_are_refused(gate: Gate) -> None:
    """By length, not by what they say; the connection may be closed before the answer is read."""
    for flood in (b"x: " + b"y" * 2_000_000, b"".join(b"x%d: y\r\n" % n for n in range(50_000))):
        with gate.connect() as one, contextlib.suppress(ConnectionError):
            one.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + flood + b"\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 431 ")
        gate.alive()


def test_who_leaves_in_the_middle_of_a_stream_is_recorded_as_far_as_it_went(gate: Gate) -> None:
    """And the model's server is left too."""
    pieces = [{"choices": [{"index": 0, "delta": {"content": f"{n} "}}]} for n in range(50_000)]
    gate.there.answers = [pieces]
    try:
        with httpx.stream("POST", gate.url + CHAT, json={**GOOD, "stream": True}, timeout=30) as reply:
            identity = reply.headers["x-afina-interaction"]
            for _, line in zip(range(20), reply.iter_lines(), strict=False):
                assert line is not None
    finally:
        gate.there.answers = [completion()]
    row = kept(gate, identity)
    assert (row["ok"], row["fault"]) == (False, "client")
    assert str(row["answer"]).startswith("0 1 2 ")
    assert isinstance(row["tokens_out"], int)
    gate.alive()


def test_what_aims_at_the_log_or_a_page_reaches_neither(gate: Gate) -> None:
    """Line breaks, cursor movements and markup in every place that a caller fills."""
    evil = "x\n2026-01-01 CRITICAL forged\x1b[2J<script>alert(1)</script>"
    gate.there.answers = [(500, {"error": {"message": evil}})]
    try:
        reply = httpx.post(
            gate.url + CHAT,
            json={**GOOD, "model": evil, "user": evil, "metadata": {"conversation": evil}},
            headers={"x-request-id": "a b"},
            timeout=30,
        )
    finally:
        gate.there.answers = [completion()]
    assert reply.status_code == 502
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.headers["x-request-id"].startswith("req_")
    httpx.get(f"{gate.url}/v1/models/%0A2026%20forged%1b[2J", timeout=30)
    log = gate.log()
    assert "\x1b" not in log
    assert not any(line.startswith("2026-01-01 CRITICAL") for line in log.splitlines())
    assert "Traceback" not in log


def test_a_key_is_not_guessed_from_a_reply(gate: Gate) -> None:
    """Forged keys of any form are refused alike. This gateway has none, so it makes one first, and then everybody needs it."""
    afina = str(Path(sys.executable).with_name("afina"))
    made = subprocess.run(
        [afina, "keys", "add", "one", "--json"],
        cwd=gate.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    key = json.loads(made.stdout)["key"]
    time.sleep(2)
    forged = ["x", "afk_", key[:-1], key + "x", key.swapcase(), "' OR 1=1 --", "x" * 8000]
    replies = [
        httpx.post(gate.url + CHAT, json=GOOD, headers={"authorization": f"Bearer {one}"}, timeout=30) for one in forged
    ]
    assert {reply.status_code for reply in replies} == {401}
    assert len({reply.text for reply in replies}) == 1
    assert (
        httpx.post(gate.url + CHAT, json=GOOD, headers={"authorization": f"Bearer {key}"}, timeout=30).status_code
        == 200
    )
    assert key not in gate.log()
