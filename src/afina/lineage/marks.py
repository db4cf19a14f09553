"""By which strings one would know a person's words again: every run of 24 bytes that nobody else wrote.

They are kept as hashes in memory while an erasure is at work, and nowhere else.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

WINDOW = 24
"""Bytes: shorter runs are in everybody's mouth."""
CHUNK = 1 << 20
BITS = 22
Hashes = npt.NDArray[np.uint64]
FACTOR = np.uint64(0x9E3779B97F4A7C15)


def windows(raw: bytes) -> Hashes:
    """A hash of every run of 24 bytes."""
    codes = np.frombuffer(raw, dtype=np.uint8).astype(np.uint64)
    count = max(0, len(codes) - WINDOW + 1)
    found = np.zeros(count, dtype=np.uint64)
    for at in range(WINDOW if count else 0):
        found *= FACTOR
        found += codes[at : at + count]
    return np.asarray(found ^ (found >> np.uint64(31)))


def spellings(text: str) -> set[bytes]:
    """How a text may stand in a file: as it is, and as JSON has it with and without escapes."""
    plain = text.encode("utf-8", "surrogatepass")
    escaped = json.dumps(text)[1:-1].encode()
    return {plain, escaped, json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")}


def joined(texts: Iterable[str]) -> Iterator[bytes]:
    """Many texts in all their spellings, some megabytes at a time; no run of 24 bytes goes over two of them and is mistaken."""
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        for raw in spellings(text):
            waiting.append(raw)
            size += len(raw)
        if size > CHUNK:
            yield b"\0".join(waiting)
            waiting, size = [], 0
    yield b"\0".join(waiting)


@dataclass(frozen=True, slots=True)
class Marks:
    """Sorted hashes, and a table of bits that says no quickly."""

    hashes: Hashes
    bits: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, hashes: Hashes) -> "Marks":
        """With its table."""
        bits = np.zeros(1 << BITS, dtype=bool)
        bits[hashes & np.uint64((1 << BITS) - 1)] = True
        return cls(np.unique(hashes), bits)

    @classmethod
    def made(cls, texts: Iterable[str]) -> "Marks":
        """Of a person's texts."""
        found = [windows(raw) for raw in joined(texts)]
        return cls.of(np.concatenate(found) if found else np.zeros(0, dtype=np.uint64))

    def without(self, others: Iterable[str]) -> "Marks":
        """Less what others wrote too."""
        shared = [np.zeros(0, dtype=np.uint64)]
        shared += [self.among(windows(raw)) for raw in joined(others)]
        return Marks.of(np.setdiff1d(self.hashes, np.concatenate(shared)))

    def among(self, found: Hashes) -> Hashes:
        """Which of these hashes are marks."""
        likely = found[self.bits[found & np.uint64((1 << BITS) - 1)]]
        return np.asarray(likely[np.isin(likely, self.hashes)]) if len(likely) else likely

    def __len__(self) -> int:
        return len(self.hashes)

    def in_text(self, text: str) -> bool:
        """Whether a text holds any of them."""
        return bool(len(self.among(windows(text.encode("utf-8", "surrogatepass")))))

    def in_chunks(self, chunks: Iterable[bytes]) -> bool:
        """Whether a stream of bytes holds any of them."""
        before = b""
        for chunk in chunks:
            if len(self.among(windows(before + chunk))):
                return True
            before = (before + chunk)[-(WINDOW - 1) :]
        return False

    def in_file(self, path: Path) -> bool:
        """Whether a file holds any of them."""
        with path.open("rb") as file:
            return self.in_chunks(iter(lambda: file.read(CHUNK), b""))
