"""A file's lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from afina.errors import RoleError
from afina.store.file_lock import held_file

TAKEN = RoleError("somebody is at work")
HOLDS = "import sys, time; from pathlib import Path; from afina.errors import RoleError; from afina.store.file_lock import held_file\nwith held_file(Path(sys.argv[1]), RoleError('x')):\n    print('held', flush=True); time.sleep(60)"


def test_one_process_at_a_time_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    """Another process's lock is an error of the caller's; killed with -9 it is free again."""
    file = tmp_path / "new" / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RoleError, match="somebody is at work"), held_file(file, TAKEN):
            pass
        other.kill()
        other.wait()
    with held_file(file, TAKEN):
        pass
