"""The gateway and the database under a hostile environment: foreign settings of libpq, kill -9, SIGTERM at the wrong moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from afina.export import register_version
from afina.flows.rollouts import release_direct
from afina.ids import ModelVersionId
from afina.records import ModelVersion
from afina.store.server import read_state
from afina.wiring import open_project
from tests.e2e.conftest import environment, run_afina

pytestmark = pytest.mark.e2e
SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string", "enum": ["pago", "envio"]}},
    "required": ["topic"],
    "additionalProperties": False,
}
HOSTILE = {
    "PGSSLMODE": "require", "PGSERVICE": "nowhere", "PGHOSTADDR": "192.0.2.1", "PGCHANNELBINDING": "require", "PGTARGETSESSIONATTRS": "read-only",
    "PGOPTIONS": "-c nonsense=1", "PGCLIENTENCODING": "LATIN1", "PGTZ": "nonsense",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(folder: Path) -> Path:
    """A project with the built-in base live as a classifier."""
    place = folder / "shop"
    place.mkdir()
    assert run_afina("init", cwd=place).returncode == 0
    made = run_afina(
        "export", "--model", "semilla", "--out", str(place / ".afina" / "models" / "v1" / "m.gguf"), cwd=place
    )
    assert made.returncode == 0, made.stderr
    project = open_project(place)
    version = ModelVersion(
        id=ModelVersionId("mod_v1"),
        name="semilla-classify:v1",
        task="classify",
        base="semilla",
        gguf="models/v1/m.gguf",
        quantisation="q8_0",
        card={"kind": "classify", "prompt": "Clasifica.", "answer_schema": SCHEMA},
    )
    with project.session() as session:
        register_version(session, version)
    release_direct(project, version, actor="t", reason="r")
    return place


def serve(place: Path) -> tuple["subprocess.Popen[str]", str]:
    """A gateway that answers, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "afina", "serve", "--port", "0"],
        cwd=place,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    deadline = time.monotonic() + 60
    while httpx.get(f"{url}/healthz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process, url


def ended(process: "subprocess.Popen[str]") -> None:
    """Told to end, and gone."""
    process.send_signal(signal.SIGTERM)
    process.wait(90)
    assert process.stdout is not None
    process.stdout.close()


def recorded(place: Path) -> set[str]:
    """The messages in the database."""
    with open_project(place).session() as session:
        return {row["text"] for row in session.execute("SELECT text FROM app.interactions").fetchall()}


def ask(client: httpx.Client, text: str) -> None:
    """One answered message."""
    assert client.post("/v1/classify", json={"text": text}).status_code == 200


def test_foreign_settings_of_libpq_do_not_reach_the_embedded_server(folder: Path) -> None:
    """Whatever the shell has for other databases."""
    place = folder / "hostile"
    place.mkdir()
    run_afina("init", cwd=place)
    for command in ("up", "status", "down"):
        done = subprocess.run(
            [sys.executable, "-m", "afina", command],
            cwd=place,
            env={**environment(), **HOSTILE},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)


def test_an_answer_takes_no_delayed_acknowledgement(shop: Path) -> None:
    """With Nagle's algorithm on every answer of one token took 48 ms or more."""
    process, url = serve(shop)
    try:
        with httpx.Client(base_url=url) as client:
            body = {"messages": [{"role": "user", "content": "hola"}], "max_tokens": 1}
            times = []
            for _ in range(30):
                began = time.perf_counter()
                assert client.post("/v1/chat/completions", json=body).status_code == 200
                times.append(time.perf_counter() - began)
    finally:
        ended(process)
    assert sorted(times)[3] < 0.04


def test_what_was_answered_without_a_database_is_recorded_later(shop: Path) -> None:
    """PostgreSQL killed seven times, then frozen away while the gateway is told to end: every message is there in the end."""
    process, url = serve(shop)
    control = (shop / ".afina" / "database").resolve()
    said = set()
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(7):
            state = None
            while state is None:
                state = read_state(control)
            os.kill(state.server, signal.SIGKILL)
            said.add(f"muerte {number}")
            ask(client, f"muerte {number}")
        while (state := read_state(control)) is None:
            time.sleep(0.05)
        supervisor = psutil.Process(state.supervisor)
        supervisor.suspend()
        os.kill(state.server, signal.SIGKILL)
        for number in range(20):
            said.add(f"sin base {number}")
            ask(client, f"sin base {number}")
    ended(process)
    supervisor.kill()
    supervisor.wait(10)
    kept = list((shop / ".afina" / "spool").glob("*/*.spool"))
    assert kept

    process, _ = serve(shop)
    ended(process)

    assert said <= recorded(shop)
    assert not any(path.exists() for path in kept)
