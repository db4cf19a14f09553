"""Writes live interactions behind the reply's back: a slow or dead database never delays an answer."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable

from afina.errors import DatabaseDownError, DiskFullError
from afina.records import Interaction

LOG = logging.getLogger("afina.capture")
CAPACITY = 10_000
BATCH = 200


class Recorder:
    """A bounded queue and the thread that empties it into the database. Close it to write what is left."""

    def __init__(self, save: Callable[[list[Interaction]], None]) -> None:
        self.save = save
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
            while batch:
                try:
                    self.save(batch)
                    break
                except (DatabaseDownError, DiskFullError) as exc:
                    LOG.warning("interactions wait for the database: %s", exc)
                    if ending:
                        LOG.error("%d interactions not recorded", len(batch))
                        break
                    time.sleep(1)
                except Exception:
                    # One row the database will never take must not hold up the others.
                    if len(batch) == 1:
                        LOG.exception("interaction %s not recorded", batch[0].id)
                        break
                    self.save_singly(batch)
                    break

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
        """Write what is left."""
        with contextlib.suppress(queue.Full):
            self.waiting.put(None, timeout=5)
        self.thread.join(10)
