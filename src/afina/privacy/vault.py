"""What pseudonyms stand for: a file of sealed lines, one for each. Only the client's key opens it. Off unless a setting says otherwise."""

import base64
import errno
import fcntl
import json
import os
import secrets
import threading
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from afina.errors import StoreError
from afina.store.paths import disk_errors

NONCE = 12


class Vault:
    """Pseudonym → value. Several processes may add to one file: each adds whole lines, and reads what others added before it adds one."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Open or make it.

        Raises:
            StoreError: it was sealed with another key, or is damaged; names the line.
        """
        self.path, self.seal = path, AESGCM(key)
        self.known: dict[str, str] = {}
        self.read_to, self.lines = 0, 0
        self.lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        self.read()

    def read(self) -> None:
        """Take in what was added since; a last line that is torn is left for later."""
        raw = os.pread(self.file, os.fstat(self.file).st_size - self.read_to, self.read_to)
        whole = raw[: raw.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self.lines += 1
            if not line:
                continue
            try:
                sealed = base64.b64decode(line, validate=True)
                name, value = json.loads(self.seal.decrypt(sealed[:NONCE], sealed[NONCE:], None))
            except (ValueError, InvalidTag) as exc:
                raise StoreError(
                    f"{self.path}, line {self.lines}: sealed with another key, or damaged",
                    remedy="name the key file it was written with (privacy.key_file)",
                ) from exc
            self.known.setdefault(name, value)
        self.read_to += len(whole)

    def keep(self, pseudonym: str, value: str) -> bool:
        """Remember what a pseudonym stands for. False: it already stands for something else."""
        with self.lock:
            if pseudonym not in self.known:
                fcntl.flock(self.file, fcntl.LOCK_EX)
                try:
                    self.read()
                    if pseudonym not in self.known:
                        self.add(pseudonym, value)
                finally:
                    fcntl.flock(self.file, fcntl.LOCK_UN)
            return self.known[pseudonym] == value

    def add(self, pseudonym: str, value: str) -> None:
        """Write a line; after a torn one it begins on a line of its own."""
        nonce = secrets.token_bytes(NONCE)
        sealed = nonce + self.seal.encrypt(nonce, json.dumps([pseudonym, value]).encode("utf-8", "surrogatepass"), None)
        torn = os.fstat(self.file).st_size > self.read_to
        if torn:
            os.ftruncate(self.file, self.read_to)
        line = base64.b64encode(sealed) + b"\n"
        with disk_errors(self.path):
            if os.write(self.file, line) < len(line):
                os.ftruncate(self.file, self.read_to)
                raise OSError(errno.ENOSPC, "no space left")
        self.read()

    def value(self, pseudonym: str) -> str | None:
        """What it stands for; None where that is not known."""
        return self.known.get(pseudonym)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self.file)
