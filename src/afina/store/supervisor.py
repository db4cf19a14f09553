"""The detached process that owns one project's embedded PostgreSQL.

    python -m afina.store.supervisor CONTROL_FOLDER IDLE_STOP_MINUTES

It holds an advisory lock for as long as it lives (the kernel lets go of it however the process dies, so a lock held
is a supervisor alive: no pid is ever trusted), starts the server, starts it again after a crash, says where it
listens in `state.json`, and stops it when nobody has been connected for a while or on SIGTERM.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import psycopg
from psycopg import sql

from afina.errors import StoreError
from afina.store.cluster import DATABASE, LOGIN, SUPERUSER, Cluster, prepare, read_passwords
from afina.store.environment import forget_libpq
from afina.store.orphan import stop_orphan
from afina.store.paths import write_whole

CRASH_LIMIT = 5
"""Starts in a row after which the server never answered."""
CALM_S, LONGEST_PAUSE_S = 60.0, 3.0
"""A server that is killed again and again is started after a pause that grows; after a calm minute it is short again."""
POLL_S = 0.2


def free_port(preferred: int = 0) -> int:
    """A free port on the loopback interface; the preferred one if it is free, so that clients find the server again."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def last_port(cluster: Cluster) -> int:
    """The port of the last start; 0 when there was none."""
    try:
        return int((cluster.control / "port").read_text("utf-8"))
    except (OSError, ValueError):
        return 0


def start_server(cluster: Cluster, *, port: int) -> subprocess.Popen[bytes]:
    """Start the server as a child of this process, listening on the loopback interface only."""
    command = [
        str(cluster.binaries / "postgres"),
        "-D",
        str(cluster.data),
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"port={port}",
        "-c",
        "unix_socket_directories=",
        "-c",
        "max_connections=100",
        "-c",
        "shared_buffers=64MB",
        "-c",
        "password_encryption=scram-sha-256",
        "-c",
        "log_min_messages=warning",
        "-c",
        "log_checkpoints=off",
        "-c",
        "wal_recycle=off",  # a recycled segment keeps what was written into it, also what was erased since
        "-c",
        "min_wal_size=32MB",
    ]
    with cluster.log.open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=cluster.user, cwd="/", process_group=0
        )


def superuser_dsn(cluster: Cluster, *, port: int, database: str = SUPERUSER) -> str:
    """Connection string of the superuser: for the supervisor's own work, never for the application."""
    password = read_passwords(cluster)["superuser"]
    return f"host=127.0.0.1 port={port} dbname={database} user={SUPERUSER} password={password} connect_timeout=5"


def wait_ready(cluster: Cluster, server: subprocess.Popen[bytes], *, port: int, timeout_s: float = 60) -> bool:
    """Wait until the server answers. False when it ended instead."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(superuser_dsn(cluster, port=port)):
            return True
        time.sleep(0.05)
    return False


def ensure_database(cluster: Cluster, *, port: int) -> None:
    """Make the application's login and database once. The login is no superuser, so row-level security binds it."""
    password = read_passwords(cluster)["app"]
    with psycopg.connect(superuser_dsn(cluster, port=port), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (LOGIN,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
                    sql.Identifier(LOGIN), sql.Literal(password)
                )
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(LOGIN))
            )


def connected_clients(cluster: Cluster, *, port: int) -> int:
    """Client connections other than our own."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with psycopg.connect(superuser_dsn(cluster, port=port)) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


class Supervisor:
    """One server, kept alive until nobody needs it."""

    def __init__(self, cluster: Cluster, *, idle_stop_s: float) -> None:
        self.cluster = cluster
        self.idle_stop_s = idle_stop_s
        self.stopping = False
        self.server: subprocess.Popen[bytes] | None = None

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Ask the loop to stop the server and end."""
        self.stopping = True

    def run(self) -> None:
        """Serve until told to stop, idle for too long, or unable to start.

        A server that answered and was killed is started again, however often: whoever kills it, the rows are needed.
        """
        failures = 0
        kills = 0
        while not self.stopping and failures < CRASH_LIMIT:
            stop_orphan(self.cluster)
            port = free_port(last_port(self.cluster))
            write_whole(self.cluster.control / "port", str(port))
            began = time.monotonic()
            self.server = start_server(self.cluster, port=port)
            answered = wait_ready(self.cluster, self.server, port=port)
            if answered:
                with contextlib.suppress(psycopg.OperationalError):  # killed meanwhile: it is started again
                    ensure_database(self.cluster, port=port)
                    state = {"port": port, "supervisor": os.getpid(), "server": self.server.pid}
                    write_whole(self.cluster.state, json.dumps(state))
                self.watch(port)
            # A killed server leaves children that hold its shared memory for a moment: give them time to go.
            failures = 0 if answered else failures + 1
            kills = kills + 1 if time.monotonic() - began < CALM_S else 1
            if not self.stopping:
                time.sleep(min(0.2 * max(failures, kills), LONGEST_PAUSE_S))
        self.cluster.state.unlink(missing_ok=True)

    def watch(self, port: int) -> None:
        """Return when the server ended: by itself, by signal, or because nobody used it."""
        assert self.server is not None
        busy_at = checked_at = time.monotonic()
        while self.server.poll() is None:
            now = time.monotonic()
            if self.idle_stop_s and now - checked_at > min(10.0, self.idle_stop_s / 2):
                checked_at = now
                with contextlib.suppress(psycopg.OperationalError):
                    busy_at = now if connected_clients(self.cluster, port=port) else busy_at
                self.stopping = self.stopping or now - busy_at > self.idle_stop_s
            if self.stopping:
                self.cluster.state.unlink(missing_ok=True)
                self.stop_server()
                return
            time.sleep(POLL_S)
        self.cluster.state.unlink(missing_ok=True)

    def stop_server(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is kept."""
        assert self.server is not None
        self.server.send_signal(signal.SIGINT)
        try:
            self.server.wait(30)
        except subprocess.TimeoutExpired:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(10)


def main(control: Path, idle_stop_minutes: float) -> int:
    """Own the server, unless another supervisor does already."""
    forget_libpq()
    control.mkdir(parents=True, exist_ok=True)
    with (control / "supervisor.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        try:
            cluster = prepare(control)
            cluster.state.unlink(missing_ok=True)
            supervisor = Supervisor(cluster, idle_stop_s=idle_stop_minutes * 60)
            signal.signal(signal.SIGTERM, supervisor.on_signal)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the command, not for us
            supervisor.run()
        except StoreError as exc:
            write_whole(control / "failure.txt", f"{exc}\n{exc.remedy}\n")
            return 1
        except OSError as exc:
            write_whole(control / "failure.txt", f"{exc}\n\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
