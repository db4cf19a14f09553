"""A file's lock, held by one process at a time: the kernel gives it back when that process ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afina.errors import AfinaError


@contextmanager
def held_file(file: Path, otherwise: AfinaError) -> Iterator[None]:
    """Hold a file's lock; its folder is made. `otherwise` is raised where another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise otherwise from exc
        yield
