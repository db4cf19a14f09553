"""The spool holds what was said until the database has it: whole, sealed, bounded, whoever is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from afina.capture.spool import ENDING, HEAD, KEY, SEGMENT_BYTES, Spool, SpoolOptions, read_records, read_seal
from afina.errors import DiskFullError, StoreError

AT_ONCE = SpoolOptions(sync_ms=0)


def texts(folder: Path, path: Path) -> list[bytes]:
    """A segment's records."""
    return [record for record, _ in read_records(path, seal=read_seal(folder, None))]


def test_what_was_appended_is_read_back_and_goes_when_it_is_done(tmp_path: Path) -> None:
    """Nothing of it can be read on the disk; a clean end leaves no folder."""
    spool = Spool(tmp_path, AT_ONCE)
    for number in range(50):
        spool.append(f"secret {number}".encode())
    ((path, end),) = spool.waiting()

    assert texts(tmp_path, path) == [f"secret {number}".encode() for number in range(50)]
    assert b"secret" not in path.read_bytes()
    assert {oct(one.stat().st_mode & 0o777) for one in (path, tmp_path / KEY)} == {"0o600"}
    assert not spool.done(path, end - 1)
    assert spool.done(path, end)
    assert spool.bytes == 0
    spool.close()
    assert list(tmp_path.iterdir()) == [tmp_path / KEY]


def test_a_killed_process_loses_nothing_and_the_next_one_takes_over(tmp_path: Path) -> None:
    """kill -9 in the middle of writing: everything that was acknowledged is there; a living process keeps its own."""
    writer = (
        "import sys\nfrom pathlib import Path\nfrom afina.capture.spool import Spool, SpoolOptions\n"
        "spool = Spool(Path(sys.argv[1]), SpoolOptions(sync_ms=50))\n"
        "for n in range(10**9):\n    spool.append(b'%d' % n)\n    print(n, flush=True)\n"
    )
    alive = Spool(tmp_path, AT_ONCE)
    alive.append(b"mine")
    with subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2000)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    acknowledged = [int(line) for line in said if line.endswith(b"\n")]
    heir = Spool(tmp_path, AT_ONCE)
    found = [int(one) for path, _ in heir.waiting() for one in texts(tmp_path, path)]

    assert found[: len(acknowledged)] == acknowledged
    assert found == list(range(len(found)))
    assert len(found) - len(acknowledged) <= 1
    assert [one for path, _ in alive.waiting() for one in texts(tmp_path, path)] == [b"mine"]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_torn_last_record_is_nobodys(tmp_path: Path, cut: int) -> None:
    """Its process was killed while it wrote: nobody was told that it was kept."""
    spool = Spool(tmp_path, AT_ONCE)
    spool.append(b"whole")
    spool.append(b"torn, and long enough to be cut")
    ((path, end),) = spool.waiting()
    os.truncate(path, end - cut)

    assert texts(tmp_path, path) == [b"whole"]


def test_damage_in_the_middle_and_another_key_are_said(tmp_path: Path) -> None:
    """Never read as something else."""
    spool = Spool(tmp_path, AT_ONCE)
    spool.append(b"one")
    spool.append(b"two")
    ((path, _),) = spool.waiting()
    content = bytearray(path.read_bytes())
    content[HEAD.size + 14] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="damaged"):
        texts(tmp_path, path)

    (tmp_path / "other").write_bytes(bytes(32))
    spool.append(b"three")
    content[HEAD.size + 14] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="another key"):
        list(read_records(path, seal=read_seal(tmp_path, tmp_path / "other")))
    with pytest.raises(StoreError, match="32 bytes"):
        read_seal(tmp_path, tmp_path / "none")


def test_no_more_waits_than_may(tmp_path: Path) -> None:
    """And there is room again when something is done."""
    spool = Spool(tmp_path, SpoolOptions(most_bytes=1000, sync_ms=0))
    with pytest.raises(DiskFullError, match="as much waits"):
        for _ in range(100):
            spool.append(bytes(100))
    ((path, end),) = spool.waiting()
    assert len(texts(tmp_path, path)) == 7
    spool.done(path, end)
    spool.append(b"again")


def test_segments_change_and_are_read_in_order(tmp_path: Path) -> None:
    """Several megabytes, several files, from several threads at once; each thread's records in its order."""
    spool = Spool(tmp_path, SpoolOptions(sync_ms=5))

    def write(name: int) -> None:
        for number in range(60):
            spool.append(b"%d %d " % (name, number) + bytes(SEGMENT_BYTES // 100))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.05)
    found = [record.split(b" ")[:2] for path, _ in spool.waiting() for record in texts(tmp_path, path)]

    assert len(spool.waiting()) == 3
    assert all(path.name.endswith(ENDING) for path, _ in spool.waiting())
    for name in range(4):
        assert [int(number) for one, number in found if int(one) == name] == list(range(60))
    assert not spool.unsynced_files
