"""Starts and stops worker processes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from afina.bases.memory import require_available
from afina.errors import RuntimeFailedError
from afina.priority import inherit
from afina.runtime.served import served_of
from afina.settings import RuntimeSettings

WORKER = Path(__file__).with_name("worker.py")
"""Run as a file: as a module it would import this package first, which takes half a second longer than the runtime itself."""


ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": "131072"}
"""Blocks above 128 KB are mapped by themselves and given back when they are freed. glibc raises its own threshold with the first large block that is
freed: what each adapter was read through then stayed, 12 MB for one of 10 MB; ten of them took 486 MB, so 363."""
SPIN = {"GOMP_SPINCOUNT": "1000"}
"""How long a thread that waits for the other spins before it sleeps, some 40 µs. A token of a small model is hundreds of waits: asleep
at once, SmolLM2-135M writes 29 tokens a second on two quiet cores, so 99, spinning for ever 117. But beside another busy process
those who spin for ever hold the core that they wait for: no answer within two minutes; so 32 tokens a second."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One running llama.cpp server: a base, and the adapters that it can put on it."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    base: Path
    adapters: tuple[Path, ...] = ()
    adapter: Path | None = None
    """The one that `lora` puts on."""

    def serving(self, adapter: Path | None) -> "Worker":
        """The same process, with one of its adapters on, or none."""
        return replace(self, adapter=adapter)

    def lora(self) -> list[dict[str, float]]:
        """What a request says about adapters: all of them, each with its scale. Those not named would keep their last one."""
        return [{"id": number, "scale": float(one == self.adapter)} for number, one in enumerate(self.adapters)]

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def peak_rss_mb(self) -> float:
        """Most memory the process has held, in MB (10^6 bytes); 0 when it has ended."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
            kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
            return int(kilobytes) * 1024 / 1e6
        except (OSError, StopIteration):
            try:  # systems without /proc: what it holds now
                return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6
            except psutil.Error:
                return 0.0

    def stop(self, *, timeout_s: float = 5) -> None:
        """End the process. Requests in flight are lost: drain first."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def threads_to_use(settings: RuntimeSettings) -> int:
    """Worker threads: never more than there are cores, because llama.cpp's waiting threads spin."""
    cores = len(os.sched_getaffinity(0))
    return min(settings.threads or cores, cores)


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker loads. `exact`: keys and values in float32."""

    base: Path
    adapters: tuple[Path, ...] = ()
    exact: bool = False


def spawn(load: Load, settings: RuntimeSettings, *, log: Path, ready: Path) -> subprocess.Popen[bytes]:
    """Start the worker's process."""
    arguments = {
        "gguf": str(load.base.resolve()),
        "adapters": [str(path.resolve()) for path in load.adapters],
        "threads": threads_to_use(settings),
        "context": settings.context,
        "slots": settings.slots,
        "exact": load.exact,
        "ready": str(ready),
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            # A Ctrl-C in the terminal is the parent's to handle: it stops its workers itself.
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | SPIN | ALLOCATION,
        )
    inherit(process)
    return process


def last_error(log: Path) -> str:
    """The most telling line of a worker's log."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    telling = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
    return (telling or lines or ["no output"])[0].strip()


@contextmanager
def start_worker(gguf: Path, settings: RuntimeSettings, *, log: Path, exact: bool = False) -> Iterator[Worker]:
    """A worker for as long as the block runs.

    Raises:
        ModelError: the file is no whole GGUF, or larger than the free memory. RuntimeFailedError: the worker did not come up.
    """
    worker = open_worker(gguf, settings, log=log, exact=exact)
    try:
        yield worker
    finally:
        worker.stop()


def open_worker(gguf: Path, settings: RuntimeSettings, *, log: Path, exact: bool = False) -> Worker:
    """A worker that the caller stops: of a model, or of an adapter with its base."""
    served = served_of(gguf)
    adapters = (served.adapter,) if served.adapter else ()
    return open_load(Load(served.base, adapters, exact), settings, log=log)


def open_load(load: Load, settings: RuntimeSettings, *, log: Path) -> Worker:
    """A worker of a base with some adapters, of which a request names one (`Worker.lora`); of one alone, it is on by itself.

    Raises:
        ModelError: it is larger than the free memory. RuntimeFailedError: it did not come up.
    """
    base = load.base
    require_available(
        float(base.stat().st_size), base.name, remedy="stop other models, or take a file in fewer bits (q4_k_m, q4_0)"
    )
    with tempfile.TemporaryDirectory(prefix="afina-worker-") as folder:
        ready = Path(folder) / "ready.json"
        process = spawn(load, settings, log=log, ready=ready)
        deadline = time.monotonic() + settings.start_timeout_s
        while not ready.is_file():
            if process.poll() is not None:
                raise RuntimeFailedError(f"{base.name} did not load: {last_error(log)} (log: {log})")
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise RuntimeFailedError(
                    f"{base.name} did not load within {settings.start_timeout_s:.0f} s (log: {log})"
                )
            time.sleep(0.02)
        url = json.loads(ready.read_text("utf-8"))["url"]
    return Worker(url, process, log, base, load.adapters)
