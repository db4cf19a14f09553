"""The client's side of the embedded server: find it, start it, stop it."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from afina.errors import DatabaseDownError
from afina.store.cluster import DATABASE, LOGIN, locate, read_passwords
from afina.store.environment import forget_libpq
from afina.store.orphan import stop_orphan
from afina.store.paths import private_folder

START_TIMEOUT_S = 60.0
STARTED: list[subprocess.Popen[bytes]] = []
"""Supervisors this process started. They outlive it; kept so that one that ends meanwhile is reaped, not a zombie."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a living supervisor says about itself."""

    port: int
    supervisor: int
    server: int


def supervisor_alive(control: Path) -> bool:
    """Whether some process holds the supervisor's lock."""
    try:
        with (control / "supervisor.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_state(control: Path) -> ServerState | None:
    """The state of the living supervisor; None when there is none or it is not ready."""
    if not supervisor_alive(control):
        return None
    with contextlib.suppress(OSError, json.JSONDecodeError, TypeError):
        return ServerState(**json.loads((control / "state.json").read_text("utf-8")))
    return None


def start_supervisor(control: Path, *, idle_stop_minutes: float) -> None:
    """Start a supervisor that outlives this command and its terminal."""
    private_folder(control)
    STARTED[:] = [process for process in STARTED if process.poll() is None]
    with (control / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "afina.store.supervisor", str(control), str(idle_stop_minutes)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    STARTED.append(process)


def answers(dsn: str) -> bool:
    """Whether a database answers on this connection string."""
    try:
        with psycopg.connect(dsn, connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def embedded_dsn(control: Path, *, idle_stop_minutes: float, timeout_s: float = START_TIMEOUT_S) -> str:
    """Connection string of the project's own server, started if need be.

    Raises:
        DatabaseDownError: it could not be started; names the log.
    """
    forget_libpq()
    deadline = time.monotonic() + timeout_s
    failure = control / "failure.txt"
    failure.unlink(missing_ok=True)
    started_at = 0.0
    while time.monotonic() < deadline:
        state = read_state(control)
        if state is not None:
            password = read_passwords(locate(control))["app"]
            dsn = (
                f"host=127.0.0.1 port={state.port} dbname={DATABASE} user={LOGIN} password={password} connect_timeout=5"
            )
            if answers(dsn):
                return dsn
        elif not supervisor_alive(control) and time.monotonic() - started_at > 5:
            started_at = time.monotonic()
            start_supervisor(control, idle_stop_minutes=idle_stop_minutes)
        if failure.is_file():
            message, remedy = (failure.read_text("utf-8").split("\n") + [""])[:2]
            raise DatabaseDownError(f"the embedded PostgreSQL did not start: {message}", remedy=remedy)
        time.sleep(0.05)
    raise DatabaseDownError(
        f"the embedded PostgreSQL did not start within {timeout_s:.0f} s: see {control}/postgres.log"
    )


def stop_embedded(control: Path, *, timeout_s: float = 45) -> bool:
    """Stop the project's server. True if there was one."""
    forget_libpq()
    state = read_state(control)
    if not supervisor_alive(control):
        return stop_orphan(locate(control))
    deadline = time.monotonic() + timeout_s
    while state is None and time.monotonic() < deadline:  # still starting: it cannot hear us yet
        time.sleep(0.1)
        state = read_state(control)
        if not supervisor_alive(control):
            return True
    if state is not None:
        os.kill(state.supervisor, signal.SIGTERM)  # safe: the lock proves that this pid is alive and ours
    while supervisor_alive(control):
        if time.monotonic() > deadline:
            raise DatabaseDownError(f"the embedded PostgreSQL did not stop within {timeout_s:.0f} s")
        time.sleep(0.05)
    return True
