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
from dataclasses import dataclass, field
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
LINGER_S = 0.1
"""Records are moved ten times a second at most: a transaction for each one took as much of the process as all answers (300 a second)."""
REFUSED = "refused.jsonl"


@dataclass(slots=True)
class Counts:
    """Since the start: records taken, in the database, refused by it (kept in a file), lost because neither disk nor memory had room."""

    taken: int = 0
    stored: int = 0
    refused: int = 0
    lost: int = 0


@dataclass(slots=True, kw_only=True)
class Batch:
    """Records of one segment, from byte `first` to byte `after`; those that do not fit; what ended it, if that was damage."""

    path: Path
    first: int
    after: int
    records: list[Kept] = field(default_factory=list)
    misfits: list[tuple[bytes, StoreError]] = field(default_factory=list)
    damage: StoreError | None = None


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
                moved = 0
                self.closing.wait(RETRY_S)
            if ending and not moved:
                return
            if not moved:
                self.news.wait(RETRY_S)
                self.news.clear()
            if moved < BATCH:
                self.closing.wait(LINGER_S)

    def move(self) -> int:
        """The next batch. How many records it had; one, too, where something else was done.

        Raises:
            DatabaseDownError: the database does not take it; it is tried again.
        """
        rescued = 0
        while self.at_risk:
            self.store([self.at_risk[0]])
            self.at_risk.popleft()
            rescued += 1
        batch = self.next_batch()
        if batch is None:
            return rescued
        if batch.after > batch.first:
            if batch.records:
                self.store(batch.records)
            for raw, why in batch.misfits:  # after the batch, which may have to be read again
                self.refuse(raw, why)
            self.place = (batch.path, batch.after)
            return rescued + len(batch.records) + len(batch.misfits)
        if batch.damage is not None:
            LOG.error("%s; put aside: %s", batch.damage, self.spool.put_aside(batch.path))
            return rescued + 1
        return rescued + self.spool.done(batch.path, batch.after)

    def next_batch(self) -> "Batch | None":
        """What stands next in the spool; None where it is empty."""
        waiting = self.spool.waiting()
        if not waiting:
            return None
        path, end = waiting[0]
        first = self.place[1] if self.place and self.place[0] == path else 0
        batch = Batch(path=path, first=first, after=first)
        try:
            for raw, after in read_records(path, seal=self.spool.seal, first=first, end=end):
                try:
                    batch.records.append(as_record(raw))
                except StoreError as exc:
                    batch.misfits.append((raw, exc))
                batch.after = after
                if len(batch.records) == BATCH:
                    break
        except StoreError as exc:
            batch.damage = exc
        return batch

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
        except Exception as exc:  # also what nobody thought of: one record must not hold up all others for ever
            if not isinstance(exc, AfinaError):
                LOG.exception("a batch is not recorded; its records are tried one by one")
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
