"""Processes that give way."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from afina import priority

TOLD = """
import os, pathlib, subprocess, sys
from afina.priority import inherit
own = pathlib.Path("/proc/self/autogroup")
print(os.sched_getscheduler(0), own.read_text().split()[-1] if own.exists() else 19)
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, "-c", "input(); " + sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True, text=True)
    inherit(child)
    child.communicate("go on\\n")
"""
SHOWN = "import os, pathlib as p; a = p.Path('/proc/self/autogroup'); print(os.sched_getscheduler(0), a.read_text().split()[-1] if a.exists() else 19)"


def test_what_gives_way_computes_only_where_nobody_else_wants_to(tmp_path: Path) -> None:
    """Its own threads, its session, and the session of a worker that it starts."""
    own = priority.gives_way()  # whoever runs the tests may
    done = priority.run_giving_way([sys.executable, "-c", TOLD, SHOWN], cwd=tmp_path, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n")) == ["", f"{os.SCHED_IDLE} 19", f"{os.SCHED_IDLE} 19"]
    assert priority.gives_way() == own


def test_what_runs_is_told_to_stop(tmp_path: Path) -> None:
    """It has a session of its own: the terminal's Ctrl-C does not reach it."""
    found: list[subprocess.CompletedProcess[str]] = []
    thread = threading.Thread(
        target=lambda: found.append(priority.run_giving_way(["sleep", "60"], cwd=tmp_path, env=os.environ))
    )
    thread.start()
    while not priority.RUNNING:
        time.sleep(0.01)
    priority.stop_running()
    thread.join(10)
    assert found[0].returncode == -15
    assert not priority.RUNNING
