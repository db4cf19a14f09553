"""Takes live interactions and feedback: into the spool at once, from there into the database behind the reply's back.

A slow or dead database delays no answer and loses nothing. A full disk is said and counted; records then wait in memory, for the database or for
room, and are at risk until one of them takes them.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from afina.capture.spool import Spool, read_records
from afina.errors import AfinaError, DatabaseDownError, DiskFullError, StoreError, in_short
from afina.records import Feedback, Interaction
from afina.tracing import span

LOG = logging.getLogger("afina.capture")
Kept = Interaction | Feedback
Row = tuple[Literal["interaction"], Interaction] | tuple[Literal["feedback"], Feedback]
ROW: TypeAdapter[Row] = TypeAdapter(Row)
BATCH = 500
IN_MEMORY = 10_000
"""Records that wait in memory while the disk is full."""
RETRY_S, CLOSE_S = 1.0, 10.0
REFUSED = "refused.jsonl"


@dataclass(slots=True)
class Counts:
    """Since the start: records taken, in the database, refused by it (kept in a file), lost because neither disk nor memory had room."""

    taken: int = 0
    stored: int = 0
    refused: int = 0
    lost: int = 0


class Recorder:
    """The spool and the thread that empties it into the database. Close it to write what is left."""

    def __init__(self, save: Callable[[Sequence[Kept]], None], *, spool: Spool) -> None:
        self.save, self.spool = save, spool
        self.counts = Counts()
        self.at_risk: deque[Kept] = deque()
        self.full = ""
        """Why the spool takes nothing; empty while it does."""
        self.tried_at = 0.0
        self.place: tuple[Path, int] | None = None
        self.news, self.closing = threading.Event(), threading.Event()
        self.news.set()  # what an earlier process left
        self.thread = threading.Thread(target=self.run, name="recorder", daemon=True)
        self.thread.start()

    def __call__(self, record: Kept) -> None:
        """Keep a record; when this returns it outlives this process, unless the disk is full. Never waits for the database."""
        self.counts.taken += 1
        try:
            self.spool.append(as_bytes(record))
            self.full = ""
        except DiskFullError as exc:
            if not self.full:
                LOG.error("the spool takes nothing more: %s", exc)
            self.full = str(exc)
            if len(self.at_risk) < IN_MEMORY:
                self.at_risk.append(record)
            else:
                self.counts.lost += 1
                LOG.error("%d records lost: no room on the disk nor in memory", self.counts.lost)
        self.news.set()

    def run(self) -> None:
        """Move records into the database until told to end."""
        while True:
            ending = self.closing.is_set()
            try:
                moved = self.move()
            except DatabaseDownError as exc:
                LOG.warning("%d bytes wait for the database: %s", self.spool.bytes, exc)
                if ending:
                    return
                self.closing.wait(RETRY_S)
                continue
            except Exception:
                LOG.exception("the spool is not read")
                moved = False
                self.closing.wait(RETRY_S)
            if ending and not moved:
                return
            if not moved:
                self.news.wait(RETRY_S)
                self.news.clear()

    def move(self) -> bool:
        """The next batch. Whether there was one.

        Raises:
            DatabaseDownError: the database does not take it; it is tried again.
        """
        moved = False
        while self.at_risk:
            self.store([self.at_risk[0]])
            self.at_risk.popleft()
            moved = True
        waiting = self.spool.waiting()
        if not waiting:
            return moved
        path, end = waiting[0]
        first = self.place[1] if self.place and self.place[0] == path else 0
        batch: list[Kept] = []
        at = first
        damage, misfits = None, list[tuple[bytes, StoreError]]()
        try:
            for raw, after in read_records(path, seal=self.spool.seal, first=first, end=end):
                try:
                    batch.append(as_record(raw))
                except StoreError as exc:
                    misfits.append((raw, exc))
                at = after
                if len(batch) == BATCH:
                    break
        except StoreError as exc:
            damage = exc
        if at > first:
            if batch:
                self.store(batch)
            for raw, why in misfits:  # after the batch, which may have to be read again
                self.refuse(raw, why)
            self.place = (path, at)
            return True
        if damage is not None:
            LOG.error("%s; put aside: %s", damage, self.spool.put_aside(path))
            return True
        return self.spool.done(path, at) or moved

    def store(self, batch: Sequence[Kept]) -> None:
        """Save a batch; one record that the database will never take must not hold up the others.

        Raises:
            DatabaseDownError: the database does not answer.
        """
        try:
            with span("record", records=len(batch)):
                self.save(batch)
            self.counts.stored += len(batch)
        except (DatabaseDownError, DiskFullError) as exc:
            raise DatabaseDownError(str(exc)) from exc
        except AfinaError as exc:
            if len(batch) > 1:
                for record in batch:
                    self.store([record])
                return
            self.refuse(as_bytes(batch[0]), exc)

    def refuse(self, record: bytes, why: Exception) -> None:
        """Put a record aside, readable."""
        self.counts.refused += 1
        place = self.spool.folder / REFUSED
        LOG.error("a record is kept in %s and not in the database: %s", place, why)
        with os.fdopen(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "ab") as file:
            file.write(record + b"\n")

    def refuses(self) -> str:
        """Why a request should not be answered now, where nothing may be answered that cannot be kept; "" if it may. One request a second is let
        through all the same: only a record shows whether there is room again.
        """
        if not self.full or time.monotonic() - self.tried_at > RETRY_S:
            self.tried_at = time.monotonic()
            return ""
        return self.full

    def numbers(self) -> dict[str, float]:
        """What is on its way, and what became of what was taken since the start."""
        counts = self.counts
        return {
            "spool_bytes": self.spool.bytes,
            "records_at_risk": len(self.at_risk),
            "records_taken": counts.taken,
            "records_stored": counts.stored,
            "records_refused": counts.refused,
            "records_lost": counts.lost,
        }

    def close(self) -> None:
        """Write what is left into the database, if it answers; else it waits for the next start."""
        self.closing.set()
        self.news.set()
        self.thread.join(CLOSE_S)
        while self.at_risk:
            try:
                self.spool.append(as_bytes(self.at_risk[0]))
            except DiskFullError:
                self.counts.lost += len(self.at_risk)
                LOG.error("%d records lost: no room on the disk, and the database does not answer", len(self.at_risk))
                break
            self.at_risk.popleft()
        if self.spool.bytes:
            LOG.error(
                "the database did not take %d bytes: they are kept and recorded at the next start", self.spool.bytes
            )
        self.spool.close()


def as_bytes(record: Kept) -> bytes:
    """A record as the spool keeps it."""
    row: Row = ("interaction", record) if isinstance(record, Interaction) else ("feedback", record)
    return ROW.dump_json(row)


def as_record(raw: bytes) -> Kept:
    """And back.

    Raises:
        StoreError: it was written by another version of this program and does not fit.
    """
    try:
        return ROW.validate_json(raw)[1]
    except ValidationError as exc:
        raise StoreError(f"a record of the spool does not fit: {in_short(exc)}") from exc
