"""Files of 32 random bytes: what seals the spool, and what pseudonyms hang on."""

import contextlib
import os
import secrets
from pathlib import Path

from afina.errors import StoreError
from afina.store.paths import private_folder

KEY_BYTES = 32


def read_key(path: Path, *, make: bool) -> bytes:
    """The key in a file; `make` writes one on first use.

    Raises:
        StoreError: the file does not hold 32 bytes.
    """
    if make and not path.exists():
        private_folder(path.parent)
        made = path.with_suffix(f".{os.getpid()}")
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):  # another process was faster: its key counts
            os.link(made, path)
        made.unlink()
    content = path.read_bytes() if path.is_file() else b""
    if len(content) != KEY_BYTES:
        raise StoreError(
            f"{path}: not a key of 32 bytes", remedy=f"write one: head -c 32 /dev/urandom > {path}; chmod 600 {path}"
        )
    return content
