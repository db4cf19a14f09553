"""Writes live interactions behind the reply's back: a slow or dead database never delays an answer."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from afina.errors import DatabaseDownError, DiskFullError
from afina.records import Interaction

LOG = logging.getLogger("afina.capture")
CAPACITY = 10_000
BATCH = 200
CLOSE_S = 10.0


class Recorder:
    """A bounded queue and the thread that empties it into the database. Close it to write what is left.

    What the database does not take before the end goes to `keep`, so that it is not lost.
    """

    def __init__(self, save: Callable[[list[Interaction]], None], *, keep: Callable[[list[Interaction]], None]) -> None:
        self.save, self.keep = save, keep
        self.held: list[Interaction] = []
        self.closing = threading.Event()
        self.waiting: queue.Queue[Interaction | None] = queue.Queue(CAPACITY)
        self.dropped = 0
        self.thread = threading.Thread(target=self.run, name="recorder", daemon=True)
        self.thread.start()

    def __call__(self, interaction: Interaction) -> None:
        """Take an interaction; never waits. When the queue is full the loss is counted and said."""
        try:
            self.waiting.put_nowait(interaction)
        except queue.Full:
            self.dropped += 1
            if self.dropped % 1000 == 1:
                LOG.error("%d interactions not recorded: the database has not kept up", self.dropped)

    def run(self) -> None:
        """Write batches until told to end."""
        ending = False
        while not ending:
            batch, ending = self.take()
            self.held = batch
            while batch:
                try:
                    self.save(batch)
                    break
                except (DatabaseDownError, DiskFullError) as exc:
                    if self.closing.is_set():
                        return  # what is held and what waits is kept by `close`
                    LOG.warning("interactions wait for the database: %s", exc)
                    self.closing.wait(1)
                except Exception:
                    # One row the database will never take must not hold up the others.
                    if len(batch) == 1:
                        LOG.exception("interaction %s not recorded", batch[0].id)
                        break
                    self.save_singly(batch)
                    break
            self.held = []

    def save_singly(self, batch: list[Interaction]) -> None:
        """Write what can be written of a batch."""
        for interaction in batch:
            try:
                self.save([interaction])
            except Exception:
                LOG.exception("interaction %s not recorded", interaction.id)

    def take(self) -> tuple[list[Interaction], bool]:
        """The next interactions, and whether they are the last."""
        batch: list[Interaction] = []
        item = self.waiting.get()
        while item is not None:
            batch.append(item)
            if len(batch) >= BATCH:
                return batch, False
            try:
                item = self.waiting.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def close(self) -> None:
        """Write what is left: into the database, or where it is kept until there is one."""
        self.closing.set()
        with contextlib.suppress(queue.Full):
            self.waiting.put(None, timeout=5)
        self.thread.join(CLOSE_S)
        left = list(self.held)
        with contextlib.suppress(queue.Empty):
            while True:
                item = self.waiting.get_nowait()
                left += [item] if item is not None else []
        if left:
            self.keep(left)
            LOG.error(
                "the database did not take %d interactions: they are kept and recorded at the next start", len(left)
            )
