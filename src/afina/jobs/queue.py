"""Jobs on procrastinate. Arguments carry ids only; the work runs in a child process, so that it cannot starve heartbeats."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from afina.errors import TrainError
from afina.ids import ClientId, RunId

LOG = logging.getLogger("afina.jobs")
STALLED_S = 30
"""A worker that has not said it lives for this long is taken for dead (it says so every 10 s)."""

OPTIONS = "-c search_path=queue"


def build_queue(connector: PsycopgConnector | SyncPsycopgConnector, *, folder: Path) -> App:
    """The queue's application with its tasks."""
    queue = App(connector=connector)

    # max_attempts counts retries in procrastinate: 2 means three runs in all.
    @queue.task(name="train", queue="train", retry=RetryStrategy(max_attempts=2, wait=5))
    def train(client: str, run: str) -> None:
        """Train a planned run; idempotent, because it goes on from its last checkpoint."""
        LOG.info("train %s of %s", run, client)
        # nice: what serves on this machine goes first
        command = ["nice", "-n", "10", sys.executable, "-m", "afina", "train", "--run", run]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise TrainError(f"run {run}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")

    return queue


def defer_training(dsn: str, *, client: ClientId, run: RunId) -> None:
    """Queue a run once; the same run is not queued again while it waits."""
    connector = SyncPsycopgConnector(conninfo=dsn, kwargs={"options": OPTIONS})
    queue = build_queue(connector, folder=Path())
    with queue.open():
        try:
            queue.configure_task("train", queueing_lock=run, lock=f"{client}/train").defer(client=client, run=run)
        except AlreadyEnqueued:
            LOG.info("%s is queued already", run)


async def rescue(queue: App) -> int:
    """Put jobs of dead workers back into the queue. Returns how many."""
    stalled = await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S)
    count = 0
    for job in stalled:
        await queue.job_manager.retry_job(job)
        count += 1
    return count


async def keep_rescuing(queue: App, *, every_s: float) -> None:
    """Look for stalled jobs for ever."""
    while True:
        if count := await rescue(queue):
            LOG.warning("%d jobs of a dead worker were put back", count)
        await asyncio.sleep(every_s)


async def work(dsn: str, *, folder: Path, wait: bool) -> None:
    """Run jobs, one at a time."""
    queue = build_queue(PsycopgConnector(conninfo=dsn, kwargs={"options": OPTIONS}), folder=folder)
    async with queue.open_async():
        await rescue(queue)
        rescuer = asyncio.create_task(keep_rescuing(queue, every_s=STALLED_S / 3))
        try:
            await queue.run_worker_async(concurrency=1, wait=wait, fetch_job_polling_interval=2)
        finally:
            rescuer.cancel()


def run_worker(dsn: str, *, folder: Path, wait: bool = True) -> None:
    """Work in the foreground until stopped, or until the queue is empty."""
    asyncio.run(work(dsn, folder=folder, wait=wait))
