"""What was said, on this machine's disk before the caller hears the end of the answer: append-only segments, sealed, in the database's stead.

A record is written (write(2)) before the reply ends, so a killed process loses nothing; fdatasync follows within `sync_ms`, so a power
failure loses at most that much. An append-only file was chosen over SQLite: `python -m bench.spool`.

    SPOOL/key                        32 random bytes, 0600 (or a file that the settings name)
    SPOOL/PID-TIME/lock              held while its process lives
    SPOOL/PID-TIME/00000001.spool    records: length and CRC-32 of what follows (8 bytes), nonce (12), AES-GCM of the text
"""

import contextlib
import fcntl
import logging
import os
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from afina.errors import DiskFullError, StoreError
from afina.store.key_files import read_key
from afina.store.paths import disk_errors, private_folder

LOG = logging.getLogger("afina.capture")
HEAD = struct.Struct("<II")
NONCE = 12
ENDING, LOCK, KEY = ".spool", "lock", "key"
SEGMENT_BYTES = 4 * 2**20
"""A segment is closed at this size; a closed one is deleted once all of it is in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolOptions:
    """How much may wait (bytes), how long a record may wait for the disk (ms; 0 = not at all), whose key seals it."""

    most_bytes: int = 2**30
    sync_ms: float = 50.0
    key_file: Path | None = None


def read_seal(folder: Path, key_file: Path | None) -> AESGCM:
    """What seals records; its key is made on first use where the settings name none.

    Raises:
        StoreError: the named file does not hold 32 bytes.
    """
    private_folder(folder)
    return AESGCM(read_key(key_file or folder / KEY, make=key_file is None))


class Spool:
    """This process's segments. Threads may append at the same time."""

    def __init__(self, folder: Path, options: SpoolOptions) -> None:
        self.folder, self.options = folder, options
        self.seal = read_seal(folder, options.key_file)
        self.own = private_folder(folder / f"{os.getpid()}-{time.time_ns()}")
        self.held = os.open(self.own / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.lock = threading.Lock()
        self.number, self.file, self.size = 0, -1, 0
        self.closed_bytes = 0
        self.unsynced_files: list[int] = []
        self.unsynced = threading.Event()
        self.closing = threading.Event()
        self.adopt()
        self.syncing = threading.Thread(target=self.keep_syncing, name="spool", daemon=True)
        self.syncing.start()

    def adopt(self) -> None:
        """Take over what processes that have ended left behind."""
        for other in sorted(path for path in self.folder.iterdir() if path.is_dir() and path != self.own):
            try:
                held = os.open(other / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:  # gone meanwhile
                continue
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for segment in sorted(other.glob(f"*{ENDING}")):
                    self.number += 1
                    segment.rename(self.path(self.number))
                    self.closed_bytes += self.path(self.number).stat().st_size
                with contextlib.suppress(OSError):
                    (other / LOCK).unlink()
                    other.rmdir()
            except BlockingIOError:  # its process lives
                pass
            finally:
                os.close(held)

    def path(self, number: int) -> Path:
        """A segment's file."""
        return self.own / f"{number:08d}{ENDING}"

    def append(self, record: bytes) -> None:
        """Write a record; it is readable by whoever comes after this process from now on.

        Raises:
            DiskFullError: no room on the disk, or as much waits as may. Nothing of the record is left.
        """
        nonce = secrets.token_bytes(NONCE)
        sealed = nonce + self.seal.encrypt(nonce, record, None)
        whole = HEAD.pack(len(sealed), zlib.crc32(sealed)) + sealed
        with self.lock:
            if self.closed_bytes + self.size + len(whole) > self.options.most_bytes:
                raise DiskFullError(
                    f"{self.own}: as much waits for the database as may ({self.options.most_bytes / 1e6:.0f} MB)",
                    remedy="bring the database back, or raise capture.spool_mb",
                )
            with disk_errors(self.own):
                self.write(whole)
        if self.options.sync_ms == 0:
            self.sync()
        else:
            self.unsynced.set()

    def write(self, whole: bytes) -> None:
        """Append to the open segment, which is cut back if not all of it fits."""
        if self.file < 0:
            self.number += 1
            self.file = os.open(self.path(self.number), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            self.size = 0
        try:
            written = os.write(self.file, whole)
            while written < len(whole):
                written += os.write(self.file, whole[written:])
        except OSError:
            os.ftruncate(self.file, self.size)
            raise
        self.size += len(whole)
        if self.size >= SEGMENT_BYTES:
            self.rotate()

    def rotate(self) -> None:
        """Close the open segment, its file once it is synced; the caller holds the lock."""
        if self.file >= 0:
            self.unsynced_files.append(self.file)
            self.file, self.closed_bytes, self.size = -1, self.closed_bytes + self.size, 0

    def sync(self) -> None:
        """Bring what was written onto the disk. Outside the lock: others append meanwhile."""
        with self.lock:
            files, self.unsynced_files = self.unsynced_files, []
            if self.file >= 0:
                files.append(os.dup(self.file))
        for file in files:
            try:
                os.fdatasync(file)
            finally:
                os.close(file)

    def keep_syncing(self) -> None:
        """Sync within the time that was promised."""
        while not self.closing.is_set():
            self.unsynced.wait()
            self.closing.wait(self.options.sync_ms / 1000)
            self.unsynced.clear()
            try:
                self.sync()
            except OSError:
                LOG.exception("%s: the disk did not take what was written", self.own)

    def waiting(self) -> list[tuple[Path, int]]:
        """Segments, oldest first, each with the bytes of it that are whole; the open one last."""
        with self.lock:
            opened = self.path(self.number) if self.file >= 0 else None
            found = sorted(self.own.glob(f"*{ENDING}"))
            return [(path, self.size if path == opened else path.stat().st_size) for path in found]

    def done(self, path: Path, upto: int) -> bool:
        """Delete a segment of which everything up to byte `upto` is in the database. Whether that was all of it."""
        with self.lock:
            if self.file >= 0 and path == self.path(self.number):
                if self.size > upto:
                    return False
                self.rotate()
            self.closed_bytes = max(0, self.closed_bytes - path.stat().st_size)
            path.unlink()
            return True

    def put_aside(self, path: Path) -> Path:
        """Keep a segment that cannot be read where nobody reads it again. Returns where."""
        place = self.folder / f"damaged-{self.own.name}-{path.name}"
        with self.lock:
            if self.file >= 0 and path == self.path(self.number):
                self.rotate()
            self.closed_bytes = max(0, self.closed_bytes - path.stat().st_size)
            path.rename(place)
        return place

    @property
    def bytes(self) -> int:
        """What waits."""
        return self.closed_bytes + self.size

    def close(self) -> None:
        """Let go. What is left waits for the next process."""
        self.closing.set()
        self.unsynced.set()
        with self.lock:
            self.rotate()
        with contextlib.suppress(OSError):
            self.sync()
        with self.lock:
            left = any(self.own.glob(f"*{ENDING}"))
        if not left:
            with contextlib.suppress(OSError):
                (self.own / LOCK).unlink()
                self.own.rmdir()
        os.close(self.held)


def read_records(path: Path, *, seal: AESGCM, first: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int]]:
    """Records of a segment from byte `first` to `end`, each with where the next begins. A torn last one (its process was killed while it wrote) ends
    the reading: nobody was told that it was kept.

    Raises:
        StoreError: a record in the middle is damaged, or the key is another one.
    """
    with path.open("rb") as file:
        file.seek(first)
        size = path.stat().st_size if end is None else end
        at = first
        while at + HEAD.size <= size:
            length, check = HEAD.unpack(file.read(HEAD.size))
            at += HEAD.size + length
            if at > size:
                return
            sealed = file.read(length)
            if zlib.crc32(sealed) != check:
                if at == size:
                    return
                raise StoreError(f"{path}, before byte {at}: damaged", remedy="look at the disk; move the file away")
            try:
                yield seal.decrypt(sealed[:NONCE], sealed[NONCE:], None), at
            except InvalidTag as exc:
                raise StoreError(
                    f"{path}: sealed with another key", remedy="name the key file it was written with"
                ) from exc
