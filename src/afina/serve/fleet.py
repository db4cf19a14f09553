"""The workers behind the gateway: one process for each live version, started before it is used, drained before it ends."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from afina.errors import AfinaError
from afina.runtime import Worker, open_worker
from afina.serve.route import LiveVersion, choose
from afina.settings import RuntimeSettings

LOG = logging.getLogger("afina.serve")
DRAIN_S = 30.0
RETRY_S = 5.0


class Fleet:
    """Owns the workers. `follow` keeps them as `read_live` says; a failing database leaves them as they are."""

    def __init__(
        self,
        read_live: Callable[[], Sequence[LiveVersion]],
        settings: RuntimeSettings,
        *,
        logs: Path,
        poll_s: float = 1.0,
    ) -> None:
        self.read_live, self.settings, self.logs, self.poll_s = read_live, settings, logs, poll_s
        self.live: list[LiveVersion] = []
        self.workers: dict[str, Worker] = {}
        self.in_flight: Counter[str] = Counter()
        self.failed_at: dict[str, float] = {}

    def route(self, user: str, *, model: str = "") -> tuple[LiveVersion, Worker] | None:
        """The version and the worker that answer a user. A canary whose worker is down is answered by production."""
        version = choose(self.live, user, model=model)
        if version is None:
            return None
        worker = self.workers.get(version.id)
        if worker is not None and worker.alive():
            return version, worker
        for other in self.live:
            backup = self.workers.get(other.id)
            if other.task == version.task and not other.canary and backup is not None and backup.alive():
                return other, backup
        return None

    @contextmanager
    def using(self, version: LiveVersion) -> Iterator[None]:
        """Counts a request as in flight, so that its worker is not stopped under it."""
        self.in_flight[version.id] += 1
        try:
            yield
        finally:
            self.in_flight[version.id] -= 1

    async def follow(self) -> None:
        """Reconcile for ever."""
        while True:
            try:
                await self.reconcile(await asyncio.to_thread(self.read_live))
            except AfinaError as exc:
                LOG.warning("serving goes on as it is: %s", exc)
            except Exception:
                LOG.exception("serving goes on as it is")
            await asyncio.sleep(self.poll_s)

    async def reconcile(self, wanted: Sequence[LiveVersion]) -> None:
        """Start what is missing, switch, then drain and stop what is no longer wanted."""
        for version in wanted:
            worker = self.workers.get(version.id)
            if (worker is None or not worker.alive()) and time.monotonic() - self.failed_at.get(
                version.id, -RETRY_S
            ) >= RETRY_S:
                await self.start(version)
        self.live = [version for version in wanted if version.id in self.workers]
        keep = {version.id for version in wanted}
        for old in [name for name in self.workers if name not in keep]:
            asyncio.get_running_loop().create_task(self.retire(old, self.workers.pop(old)))

    async def start(self, version: LiveVersion) -> None:
        """Start a worker; a file that does not load is tried again later and does not disturb the others."""
        dead = self.workers.pop(version.id, None)
        if dead is not None:
            dead.stop()
        try:
            log = self.logs / f"worker-{version.id}.log"
            self.workers[version.id] = await asyncio.to_thread(open_worker, Path(version.gguf), self.settings, log=log)
            LOG.info("%s is up", version.name)
        except (AfinaError, OSError) as exc:
            self.failed_at[version.id] = time.monotonic()
            LOG.error("%s did not start: %s", version.name, exc)

    async def retire(self, name: str, worker: Worker) -> None:
        """Let the requests in flight end, then stop the worker."""
        deadline = time.monotonic() + DRAIN_S
        while self.in_flight[name] > 0 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(worker.stop)

    def stop(self) -> None:
        """Stop every worker."""
        for worker in self.workers.values():
            worker.stop()
        self.workers.clear()
