"""The embedded server survives what happens to servers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from afina.errors import StoreError
from afina.store import server as server_module
from afina.store.cluster import locate, read_passwords
from afina.store.server import embedded_dsn, read_state, stop_embedded, supervisor_alive
from tests.conftest import remove_cluster


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    """A project's control folder; whatever runs there is removed."""
    folder = tmp_path / "projects" / "one" / ".afina" / "database"
    yield folder
    remove_cluster(folder)


def start(control: Path) -> str:
    """Start or reach."""
    return embedded_dsn(control, idle_stop_minutes=0)


def wait_dead(pid: int) -> None:
    """Until a killed process is gone (a zombie counts as gone)."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text("utf-8").split()[2] == "Z":
                return
        except OSError:
            return
        time.sleep(0.02)


def test_rows_survive_kill_9_of_server_supervisor_and_both(control: Path) -> None:
    """After each, the next command works and every committed row is there."""
    with psycopg.connect(start(control)) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    for number, victims in enumerate((["server"], ["supervisor"], ["server", "supervisor"])):
        with psycopg.connect(start(control)) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", (number,))
        state = read_state(control)
        assert state is not None
        for victim in victims:
            os.kill(getattr(state, victim), signal.SIGKILL)
        for victim in victims:
            wait_dead(getattr(state, victim))
        with psycopg.connect(start(control)) as connection:
            row = connection.execute("SELECT count(*) FROM kept").fetchone()
            assert row is not None
            assert row[0] == number + 1


def test_two_commands_at_once_share_one_server(control: Path) -> None:
    """Both start it; one supervisor wins, both connect."""
    code = f"from pathlib import Path; from afina.store.server import embedded_dsn; print(embedded_dsn(Path({str(control)!r}), idle_stop_minutes=0))"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]

    answers = [process.communicate(timeout=90)[0].strip() for process in both]

    assert answers[0] == answers[1] != ""


def test_a_stale_pid_file_with_somebody_elses_number_is_no_server(control: Path) -> None:
    """After a reboot the number may belong to any process: here to this test."""
    start(control)
    stop_embedded(control)
    stale = locate(control).data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{locate(control).data}\n0\n", "utf-8")

    assert start(control)


def test_stop_is_clean_and_can_be_repeated(control: Path) -> None:
    """And the orphan of a killed supervisor is stopped too."""
    start(control)
    state = read_state(control)
    assert state is not None
    os.kill(state.supervisor, signal.SIGKILL)
    wait_dead(state.supervisor)

    assert stop_embedded(control)
    assert not stop_embedded(control)
    assert not supervisor_alive(control)
    assert not (locate(control).data / "postmaster.pid").exists()


def test_it_stops_when_nobody_uses_it(control: Path) -> None:
    """Idle stop after the given time."""
    embedded_dsn(control, idle_stop_minutes=0.5 / 60)
    deadline = time.monotonic() + 20

    while supervisor_alive(control):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_only_the_password_opens_it_and_only_from_here(control: Path) -> None:
    """scram, loopback, no superuser, secrets readable by the owner only."""
    dsn = start(control)
    password = read_passwords(locate(control))["app"]

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn.replace(password, "wrong"))
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolbypassrls, current_setting('listen_addresses') FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert found == (False, False, "127.0.0.1")
    assert oct((control / "secrets.json").stat().st_mode)[-3:] == "600"
    assert oct(control.stat().st_mode)[-3:] == "700"


def test_parents_keep_their_permissions(control: Path) -> None:
    """A 0700 home stays a 0700 home."""
    parent = control.parents[1]
    parent.mkdir(parents=True)
    parent.chmod(0o700)
    parent.parent.chmod(0o700)

    start(control)

    assert oct(parent.stat().st_mode)[-3:] == oct(parent.parent.stat().st_mode)[-3:] == "700"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's data lie outside of the project")
def test_a_new_project_at_a_deleted_ones_path_starts_empty_and_nothing_is_lost(control: Path) -> None:
    """The old data are set aside; with files of the project still there a lost password is an error."""
    with psycopg.connect(start(control)) as connection:
        connection.execute("CREATE TABLE old (n int)")
    stop_embedded(control)
    shutil.rmtree(control.parent)

    with psycopg.connect(start(control)) as connection:
        assert connection.execute("SELECT to_regclass('old')").fetchone() == (None,)
    assert len(list(locate(control).data.parent.glob("data.of-deleted-project-*"))) == 1
    stop_embedded(control)
    (control.parent / "runs").mkdir()
    (control / "secrets.json").unlink()
    with pytest.raises(StoreError, match="unreadable"):
        start(control)


def test_a_server_that_cannot_start_says_why(control: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause reaches the person, not only a log."""
    control.mkdir(parents=True)
    (control / "secrets.json").mkdir()
    monkeypatch.setattr(server_module, "START_TIMEOUT_S", 20)

    with pytest.raises(StoreError, match="did not start"):
        start(control)
