"""Jobs on procrastinate. Arguments carry ids only; the work runs in a child process, so that it cannot starve heartbeats."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

from afina.errors import JobError
from afina.ids import ClientId, RunId
from afina.priority import run_giving_way, stop_running

LOG = logging.getLogger("afina.jobs")
STALLED_S = 30
"""A worker that has not said it lives for this long is taken for dead (it says so every 10 s)."""

OPTIONS = "-c search_path=queue"


HEAVY = "heavy"
"""Lock of every job that needs the whole machine: one at a time, whoever's it is and however many workers there are."""


def build_queue(connector: PsycopgConnector | SyncPsycopgConnector, *, folder: Path) -> App:
    """The queue's application with its tasks. Each runs this program in a process of its own, and goes on where an earlier one was killed."""
    queue = App(connector=connector)
    # max_attempts counts retries in procrastinate: 2 means three runs in all.
    again = RetryStrategy(max_attempts=2, wait=5)

    @queue.task(name="train", queue="train", retry=again)
    def train(client: str, run: str) -> None:
        """Train a planned run."""
        child(client, ["train", "--run", run], folder)

    @queue.task(name="finetune", queue="train", retry=again)
    def finetune(client: str, run: str) -> None:
        """Train a planned run and make its served file."""
        child(client, ["train", "--run", run], folder)
        child(client, ["export", "--run", run], folder)

    # Jobs that may wait a second time while the first runs are not tried again: the second one does it.
    @queue.task(name="evaluate", queue="train")
    def evaluate(client: str, version: str) -> None:
        """Judge a version."""
        child(client, ["evaluate", version], folder, good=(0, 1, 2))

    @queue.task(name="turn", queue="train")
    def turn(client: str) -> None:
        """Whatever the loop finds due."""
        child(client, ["loop", "--once"], folder)

    return queue


def child(client: str, arguments: Sequence[str], folder: Path, *, good: Sequence[int] = (0,)) -> None:
    """Run a command of this program; who is served on this machine goes first.

    Raises:
        JobError: its exit status is none of `good`.
    """
    LOG.info("running %s for %s", " ".join(arguments), client)
    own = {**os.environ, "AFINA_PROJECT__CLIENT": client}
    done = run_giving_way([sys.executable, "-m", "afina", *arguments], cwd=folder, env=own)
    if done.returncode not in good:
        raise JobError(f"{' '.join(arguments)}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")


def defer(dsn: str, task: str, waits_as: str, **arguments: str) -> None:
    """Queue a job once; the same one is not queued again while it waits."""
    connector = SyncPsycopgConnector(conninfo=dsn, kwargs={"options": OPTIONS})
    queue = build_queue(connector, folder=Path())
    with queue.open():
        try:
            queue.configure_task(task, queueing_lock=waits_as, lock=HEAVY).defer(**arguments)
        except AlreadyEnqueued:
            LOG.info("%s is queued already", waits_as)


def defer_training(dsn: str, *, client: ClientId, run: RunId) -> None:
    """Queue a run."""
    defer(dsn, "train", run, client=client, run=run)


def defer_finetune(dsn: str, *, client: ClientId, run: RunId) -> None:
    """Queue a run and its export."""
    defer(dsn, "finetune", run, client=client, run=run)


def defer_evaluation(dsn: str, *, client: ClientId, version: str) -> None:
    """Queue a version's evaluation."""
    defer(dsn, "evaluate", f"{client}/evaluate/{version}", client=client, version=version)


def defer_turn(dsn: str, *, client: ClientId) -> None:
    """Queue a turn of the loop."""
    defer(dsn, "turn", f"{client}/turn", client=client)


async def rescue(queue: App) -> int:
    """Put jobs of dead workers back into the queue; one of which another waits already is over. Returns how many came back."""
    stalled = await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S)
    count = 0
    for job in stalled:
        try:
            await queue.job_manager.retry_job(job)
            count += 1
        except (AlreadyEnqueued, ConnectorException):  # the same one waits already
            await queue.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
    return count


async def keep_rescuing(queue: App, *, every_s: float) -> None:
    """Look for stalled jobs for ever."""
    while True:
        try:
            if count := await rescue(queue):
                LOG.warning("%d jobs of a dead worker were put back", count)
        except Exception:
            LOG.exception("stalled jobs were not looked for")
        await asyncio.sleep(every_s)


async def keep_turning(dsn: str, *, client: ClientId, every_s: float) -> None:
    """Queue a turn again and again. A database that is away is asked again next time."""
    while True:
        try:
            await asyncio.to_thread(defer_turn, dsn, client=client)
        except Exception:
            LOG.exception("no turn was queued")
        await asyncio.sleep(every_s)


async def work(
    dsn: str, *, folder: Path, wait: bool, beside: Callable[[], Coroutine[Any, Any, None]] | None = None
) -> None:
    """Run jobs, one at a time, until there are none, or until a signal stops this and the job that is running."""
    queue = build_queue(PsycopgConnector(conninfo=dsn, kwargs={"options": OPTIONS}), folder=folder)
    async with queue.open_async():
        await rescue(queue)
        others = [asyncio.create_task(keep_rescuing(queue, every_s=STALLED_S / 3))]
        others += [asyncio.create_task(beside())] if beside else []
        worker = asyncio.create_task(
            queue.run_worker_async(
                concurrency=1, wait=wait, fetch_job_polling_interval=2, install_signal_handlers=False
            )
        )
        stop_on_signals(worker)
        try:
            await worker
        except asyncio.CancelledError:
            if not worker.cancelled():  # it was not the worker that was stopped, but all of this
                raise
        finally:
            for other in others:
                other.cancel()


def stop_on_signals(worker: asyncio.Task[None]) -> None:
    """Ctrl-C and SIGTERM stop the worker and the job that it runs; the next worker goes on with a training."""
    if threading.current_thread() is not threading.main_thread():
        return

    def stop() -> None:
        stop_running()
        worker.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def run_worker(dsn: str, *, folder: Path, wait: bool = True) -> None:
    """Work in the foreground until stopped, or until the queue is empty."""
    asyncio.run(work(dsn, folder=folder, wait=wait))


def run_loop(dsn: str, *, client: ClientId, folder: Path, every_s: float) -> None:
    """A worker that also queues a turn of the loop every so many seconds, until stopped."""
    asyncio.run(work(dsn, folder=folder, wait=True, beside=lambda: keep_turning(dsn, client=client, every_s=every_s)))
