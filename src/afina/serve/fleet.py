"""The workers behind the gateway: one process for each file of weights, started before it is used, drained before it ends.

Versions that are adapters on one base share a worker, and with it the base's memory: a request says which adapter is on.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from afina.errors import AfinaError
from afina.runtime import Load, Served, Worker, open_load, served_of
from afina.serve.news import News
from afina.serve.route import Draw, LiveVersion, Wanted, choose
from afina.settings import RuntimeSettings

LOG = logging.getLogger("afina.serve")
DRAIN_S = 30.0
RETRY_S, FIRST_RETRY_S, POLL_S = 5.0, 0.25, 1.0
"""A version that did not start is tried again after the second, then after twice as long each time, up to the first."""
GIVEN_UP = 3
"""After so many failures nobody waits for it."""
PULSE_S = 0.05
"""How soon a dead worker is noticed."""


class Fleet:
    """Owns the workers. `follow` keeps them as `read_live` says; a failing database leaves them as they are."""

    def __init__(
        self,
        read_live: Callable[[], Sequence[LiveVersion]],
        settings: RuntimeSettings,
        *,
        logs: Path,
        news: News,
    ) -> None:
        self.read_live, self.settings, self.logs, self.news = read_live, settings, logs, news
        self.wanted: Sequence[LiveVersion] = ()
        self.live: list[LiveVersion] = []
        self.workers: dict[str, Worker] = {}
        """By version; of one base all are the same process."""
        self.running: dict[str, Worker] = {}
        """By address."""
        self.in_flight: Counter[str] = Counter()
        self.failed_at: dict[str, float] = {}
        self.failures: Counter[str] = Counter()
        """Of each version, how often it did not start since it last did."""

    def routes(
        self, wanted: Wanted, *, has_production: bool = False
    ) -> tuple[list[tuple[LiveVersion, Worker]], Draw | None]:
        """The version that answers, with its worker, and behind a canary the one in production; and the draw. Those whose worker is down are left
        out.
        """
        live = [version for version in self.live if version.client == wanted.client]
        choice = choose(live, wanted.person, model=wanted.model, has_production=has_production)
        version = choice.version
        if version is None:
            return [], choice.draw
        behind = [other for other in live if other.task == version.task and not other.canary and other is not version]
        found = [(one, self.workers.get(one.id)) for one in (version, *behind)]
        return [(one, worker) for one, worker in found if worker is not None and worker.alive()], choice.draw

    @contextmanager
    def using(self, worker: Worker) -> Iterator[None]:
        """Counts a request as in flight, so that its worker is not stopped under it."""
        self.in_flight[worker.url] += 1
        try:
            yield
        finally:
            self.in_flight[worker.url] -= 1

    async def tell_deaths(self) -> None:
        """Wake `follow` as soon as a worker has died."""
        told: set[str] = set()
        while True:
            await asyncio.sleep(PULSE_S)
            dead = {url for url, worker in self.running.items() if not worker.alive()}
            if dead - told:
                self.news.tell()
            told = dead

    async def back(self, wanted: Wanted, *, within_s: float) -> None:
        """Wait while the workers of those who would answer are down and are being started again; one that does not start is not waited for."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and not self.routes(wanted)[0]:
            down = [one for one in self.live if one.client == wanted.client and self.is_missing_worker(one)]
            if all(self.failures[one.id] >= GIVEN_UP for one in down):
                return
            await asyncio.sleep(PULSE_S)

    async def follow(self) -> None:
        """Reconcile for ever."""
        watcher = asyncio.create_task(self.tell_deaths())
        try:
            await self.follow_news()
        finally:
            watcher.cancel()

    async def follow_news(self) -> None:
        """The same, without looking after the workers."""
        seen = self.news.told
        while True:
            try:
                await self.reconcile(await asyncio.to_thread(self.read_live))
            except AfinaError as exc:
                LOG.warning("serving goes on as it is: %s", exc)
            except Exception:
                LOG.exception("serving goes on as it is")
            # A version that did not start, or whose worker is gone, is tried again soon.
            well = all(not self.is_missing_worker(version) for version in self.wanted)
            if well:
                seen = await self.news.next(seen, poll_s=POLL_S)
            else:
                await asyncio.sleep(self.pause())

    def pause(self) -> float:
        """Until it is tried again: soon at first."""
        few = [self.failures[version.id] for version in self.wanted if self.is_missing_worker(version)]
        return FIRST_RETRY_S if min(few, default=GIVEN_UP) < GIVEN_UP else POLL_S

    def is_missing_worker(self, version: LiveVersion) -> bool:
        """Whether a version has no living worker."""
        worker = self.workers.get(version.id)
        return worker is None or not worker.alive()

    async def reconcile(self, wanted: Sequence[LiveVersion]) -> None:
        """Start what is missing, switch, then drain and stop what is no longer wanted."""
        self.wanted = wanted
        missing = [version for version in wanted if self.is_missing(version)]
        if missing:
            await self.start(wanted, missing)
        keep = {version.id for version in wanted}
        self.workers = {name: worker for name, worker in self.workers.items() if name in keep}
        self.live = [version for version in wanted if version.id in self.workers]
        used = {worker.url for worker in self.workers.values()}
        for url in [url for url in self.running if url not in used]:
            asyncio.get_running_loop().create_task(self.retire(self.running.pop(url)))

    def is_missing(self, version: LiveVersion) -> bool:
        """Whether a version has no living worker, and it is time to try."""
        waited = time.monotonic() - self.failed_at.get(version.id, -RETRY_S)
        wait = min(RETRY_S, FIRST_RETRY_S * 2 ** max(0, self.failures[version.id] - 1))
        return self.is_missing_worker(version) and waited >= wait

    async def start(self, wanted: Sequence[LiveVersion], missing: Sequence[LiveVersion]) -> None:
        """A worker for every base of which a version is missing, with the adapters of all wanted versions on it.

        A file that does not load is tried again later and does not disturb the others.
        """
        served = await asyncio.to_thread(self.look, wanted)
        for base in dict.fromkeys(served[version.id].base for version in missing if version.id in served):
            group = [version for version in wanted if version.id in served and served[version.id].base == base]
            adapters = tuple(dict.fromkeys(one for v in group if (one := served[v.id].adapter) is not None))
            try:
                log = self.logs / f"worker-{group[-1].id}.log"
                worker = await asyncio.to_thread(open_load, Load(base, adapters), self.settings, log=log)
            except (AfinaError, OSError) as exc:
                self.put_off([version for version in group if version in missing], exc)
                continue
            self.running[worker.url] = worker
            for version in group:
                self.workers[version.id] = worker.serving(served[version.id].adapter)
                del self.failures[version.id]
                LOG.info("%s is up", version.name)

    def look(self, wanted: Sequence[LiveVersion]) -> dict[str, Served]:
        """Base and adapter of every version whose files are in order."""
        found: dict[str, Served] = {}
        for version in wanted:
            try:
                found[version.id] = served_of(Path(version.gguf))
            except (AfinaError, OSError) as exc:
                if self.is_missing(version):
                    self.put_off([version], exc)
        return found

    def put_off(self, versions: Sequence[LiveVersion], why: Exception) -> None:
        """Try again later."""
        for version in versions:
            self.failed_at[version.id] = time.monotonic()
            self.failures[version.id] += 1
            LOG.error("%s did not start: %s", version.name, why)

    async def retire(self, worker: Worker) -> None:
        """Let the requests in flight end, then stop the worker."""
        deadline = time.monotonic() + DRAIN_S
        while self.in_flight[worker.url] > 0 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(worker.stop)

    def stop(self) -> None:
        """Stop every worker."""
        for worker in self.running.values():
            worker.stop()
        self.running.clear()
        self.workers.clear()
