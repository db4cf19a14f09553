"""Servers left over by a killed supervisor, found by what the process is and never by a number alone."""

import contextlib
import signal
from pathlib import Path

import psutil

from afina.store.cluster import Cluster


def orphan(cluster: Cluster) -> psutil.Process | None:
    """A server left over by a killed supervisor, or None after removing a stale pid file.

    The number in the pid file may since belong to any process: it counts only if that process is a `postgres` that
    was started on this data folder.
    """
    pid_file = cluster.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text("utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        command = process.cmdline()
        if "postgres" in Path(command[0]).name and str(cluster.data) in command:
            return process
    pid_file.unlink(missing_ok=True)
    return None


def stop_orphan(cluster: Cluster) -> bool:
    """Stop a leftover server so that exactly one supervisor owns exactly one server. True if there was one."""
    process = orphan(cluster)
    if process is None:
        return False
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(how)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(10)
            break
    return True
