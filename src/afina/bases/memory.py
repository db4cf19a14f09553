"""How much memory this process may still take: the machine's, or the container's where that is less."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from afina.errors import ModelError

CGROUP, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
UNLIMITED = 2**60
"""cgroup v1 says "no limit" by a number near 2⁶³."""


def available_memory(root: Path = CGROUP, own: Path = OWN) -> float:
    """Bytes. Inside a container the machine's free memory is not ours to take: exceeding the limit ends the process."""
    return min(
        [float(psutil.virtual_memory().available), *(free for place in groups(root, own) for free in left(place))]
    )


def require_available(need: float, what: str, *, remedy: str) -> None:
    """Refuse what will not fit, before it is read: the kernel would end this process, or another, without a word.

    Raises:
        ModelError: `what` needs more bytes than there are.
    """
    free = available_memory()
    if need > free:
        raise ModelError(
            f"{what} needs about {need / 1e9:.2g} GB of memory, {free / 1e9:.2g} GB are free", remedy=remedy
        )


def groups(root: Path, own: Path) -> Iterator[tuple[Path, str, str]]:
    """Folder, limit file and use file of every control group above this process, of both versions: a container sees its own as the root, a
    service of the machine stands below it.
    """
    try:
        lines = [line.strip().split(":", 2) for line in own.read_text("utf-8").splitlines()]
    except OSError:
        lines = []
    inside = {controller: path for _, names, path in lines for controller in names.split(",")}
    for controller, place, limit, use in (
        ("", root, "memory.max", "memory.current"),
        ("memory", root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        path = Path(inside.get(controller, "/").lstrip("/"))
        for part in (path, *path.parents):
            yield place / part, limit, use


def left(place: tuple[Path, str, str]) -> Iterator[float]:
    """What a group may still take, if it has a limit. Pages of files are given back when memory is short."""
    folder, limit, use = place
    try:
        allowed = (folder / limit).read_text("ascii").strip()
        if allowed == "max" or int(allowed) >= UNLIMITED:
            return
        used = int((folder / use).read_text("ascii"))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text("ascii").splitlines())
        files = sum(int(stat.get(name, 0)) for name in ("inactive_file", "active_file"))
        yield float(int(allowed) - used + files)
    except (OSError, ValueError):
        return
