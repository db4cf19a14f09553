"""How much memory this process may still take: the machine's, or the container's where that is less."""

from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def available_memory(cgroup: Path = CGROUP) -> float:
    """Bytes. Inside a container the machine's free memory is not ours to take: exceeding the limit ends the process."""
    free = float(psutil.virtual_memory().available)
    try:
        limit, used = ((cgroup / f"memory.{name}").read_text("ascii").strip() for name in ("max", "current"))
        cache = dict(line.split() for line in (cgroup / "memory.stat").read_text("ascii").splitlines())
        if limit == "max":
            return free
        return min(free, float(limit) - float(used) + float(cache.get("inactive_file", 0)))
    except (OSError, ValueError):
        return free
