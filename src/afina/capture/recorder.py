"""Writes live interactions behind the reply's back: a slow or dead database never delays an answer."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from afina.errors import AfinaError
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
                except AfinaError as exc:
                    LOG.warning("interactions wait for the database: %s", exc)
                    if ending:
                        LOG.error("%d interactions not recorded", len(batch))
                        break
                    time.sleep(1)

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
        self.waiting.put(None)
        self.thread.join(10)
