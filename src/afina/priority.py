"""Processes that give way: what trains and evaluates must not make those wait who are served on the same machine."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

AGAIN = 5
RUNNING: set[subprocess.Popen[str]] = set()
"""What `run_giving_way` waits for just now."""


def give_way(pid: int) -> None:
    """Let a process that leads a session of its own, and whatever it starts there, compute only where nobody else wants to.

    Two settings: Linux weighs sessions first (autogroups), and the processes of one session only then. With `nice 10` alone a training
    took half of both cores from the worker that served, and answers took 3.9 times as long (`python -m bench.beside`).
    Elsewhere it is the lowest `nice`.
    """
    with suppress(OSError):
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, pid, 19)
    for _ in range(AGAIN):
        try:
            Path(f"/proc/{pid}/autogroup").write_text("19")
        except BlockingIOError:  # the kernel takes one such wish in a tenth of a second from all users together
            time.sleep(0.12)
        except OSError:  # a kernel without autogroups has no such file
            return
        else:
            return


def gives_way() -> bool:
    """Whether this process does: what it starts in a session of its own is to do so too."""
    return hasattr(os, "SCHED_IDLE") and os.sched_getscheduler(0) == os.SCHED_IDLE


def inherit(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Let a process with a session of its own give way where this one does: autogroups are not inherited."""
    if gives_way():
        give_way(process.pid)


def run_giving_way(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, giving way to everybody else."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so a Ctrl-C in the terminal does not reach it: `stop_running` tells it
    ) as process:
        RUNNING.add(process)
        try:
            give_way(process.pid)
            out, err = process.communicate()
        finally:
            RUNNING.discard(process)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def stop_running() -> None:
    """Ask what is running to stop where it loses nothing."""
    for process in tuple(RUNNING):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
