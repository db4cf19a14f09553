"""How alike are two texts? Character 5-grams and their Jaccard index; near copies among many texts by MinHash (Broder 1997).

Candidates come from bands of equal digests (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4) and are verified on the
texts, so what is said to be alike is. Texts and digests are on the disk: memory holds some tens of bytes a text.
"""

import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from afina.sameness import message_key

GRAM = 5
BANDS, ROWS = 20, 6
"""Of a pair with a Jaccard index of 0.8, 99.8 % share a band; of one with 0.5, 27 %."""
DIGESTS = BANDS * ROWS
SEED = 42
SLACK = 0.15
"""A pair whose digests agree in so much less than the threshold is not verified: four standard deviations of 120 digests."""
CHUNK = 10_000
FIRST = 64
"""A text is compared with so many better ones of the same band: more of them is a crowd, of which the best represent the rest."""
Pairs = npt.NDArray[np.int64]
"""Shape (pairs, 2): positions of two texts, the earlier one first."""


def grams(text: str) -> set[str]:
    """The character 5-grams of a text, without case and repeated white space."""
    key = message_key(text).ljust(GRAM)
    return {key[at : at + GRAM] for at in range(len(key) - GRAM + 1)}


def alike(one: str, other: str) -> float:
    """Jaccard index of the 5-grams of two texts, 0 to 1."""
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b)


def digests(texts: Sequence[str]) -> npt.NDArray[np.uint32]:
    """MinHash digests, shape (texts, 120)."""
    keys = [message_key(text).ljust(GRAM) for text in texts]
    lengths = np.array([len(key) for key in keys], dtype=np.int64)
    codes = np.frombuffer("".join(keys).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    hashes = rolled(codes)
    counts = lengths - GRAM + 1
    ends = np.cumsum(counts)
    inside = np.arange(ends[-1]) - np.repeat(ends - counts, counts)  # grams across two texts are left out
    own = hashes[np.repeat(np.cumsum(lengths) - lengths, counts) + inside]
    offsets = np.concatenate([[0], ends]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(own, offsets, DIGESTS, SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32)


def rolled(codes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A hash of every 5 code points in a row."""
    count = len(codes) - GRAM + 1
    found = np.zeros(count, dtype=np.uint64)
    for at in range(GRAM):
        found *= np.uint64(0x9E3779B97F4A7C15)
        found += codes[at : at + count]
    found ^= found >> np.uint64(29)
    found *= np.uint64(0xBF58476D1CE4E5B9)
    return found ^ (found >> np.uint64(32))


@dataclass(slots=True, weakref_slot=True)
class Signatures:
    """The digests of many texts, on the disk: a file of hashes a band, and one with a byte of every digest."""

    count: int = 0
    bands: list[IO[bytes]] = field(default_factory=lambda: [tempfile.TemporaryFile() for _ in range(BANDS)])  # noqa: SIM115
    low: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def __post_init__(self) -> None:
        for file in (*self.bands, self.low):
            weakref.finalize(self, file.close)

    def add(self, texts: Sequence[str]) -> None:
        """More texts; their positions go on."""
        for start in range(0, len(texts), CHUNK):
            self.add_digests(digests(texts[start : start + CHUNK]))

    def add_digests(self, found: npt.NDArray[np.uint32]) -> None:
        """The digests of more texts."""
        for band, file in enumerate(self.bands):
            own = np.zeros(len(found), dtype=np.uint64)
            for column in range(band * ROWS, (band + 1) * ROWS):
                own = own * np.uint64(0x9E3779B97F4A7C15) + found[:, column]
            own.tofile(file)
        (found & 0xFF).astype(np.uint8).tofile(self.low)
        self.count += len(found)

    def candidates(self, among: npt.NDArray[np.int64], *, threshold: float, most: int = 0) -> Pairs:
        """Pairs of `among` (positions, the first ones come first) that may be so much alike.

        `most`: of each band's equals a text is paired with so many first ones only; 0 = with all.
        """
        found = np.zeros(0, dtype=np.int64)
        self.low.flush()
        for file in self.bands:
            file.seek(0)
            hashes = np.fromfile(file, dtype=np.uint64)[among]
            for pairs in equal_pairs(hashes, most=most):
                own = among[pairs]
                own = own[self.agreement(own) >= threshold - SLACK]
                found = np.union1d(found, own[:, 0] * self.count + own[:, 1])
        return np.stack([found // self.count, found % self.count], axis=1) if len(found) else np.zeros((0, 2), np.int64)

    def agreement(self, pairs: Pairs) -> npt.NDArray[np.float64]:
        """The share of equal digests of each pair, less what chance gives to one byte of them."""
        low = np.memmap(self.low, dtype=np.uint8, mode="r", shape=(self.count, DIGESTS))
        found = [
            np.mean(low[pairs[start : start + CHUNK, 0]] == low[pairs[start : start + CHUNK, 1]], axis=1)
            for start in range(0, len(pairs), CHUNK)
        ]
        share = np.concatenate(found) if found else np.zeros(0)
        return np.asarray((share - 1 / 256) / (1 - 1 / 256))


def equal_pairs(hashes: npt.NDArray[np.uint64], *, most: int) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs of places with the same hash, shape (pairs, 2), some thousands at a time."""
    order = np.argsort(hashes, kind="stable")
    held = hashes[order]
    starts = np.flatnonzero(np.concatenate([[True], held[1:] != held[:-1]]))
    sizes = np.diff(np.concatenate([starts, [len(held)]]))
    twos = starts[sizes == 2]
    if len(twos):
        yield np.stack([order[twos], order[twos + 1]], axis=1)
    waiting: list[npt.NDArray[np.int64]] = []
    for start, size in zip(starts[sizes > 2], sizes[sizes > 2], strict=True):
        own = order[start : start + size]
        for later in range(1, size):
            first = own[: min(later, most or later)]
            waiting.append(np.stack([first, np.full(len(first), own[later])], axis=1))
            if len(waiting) > CHUNK:
                yield np.concatenate(waiting)
                waiting = []
    if waiting:
        yield np.concatenate(waiting)


def verified(pairs: Pairs, text: Callable[[int], str], *, threshold: float) -> Iterator[tuple[int, int]]:
    """The pairs whose texts are so much alike, in the order of the first."""
    held, own = -1, set[str]()
    for a, b in pairs.tolist():
        if a != held:
            held, own = a, grams(text(a))
        other = grams(text(b))
        if len(own & other) >= threshold * len(own | other):
            yield a, b


def near_pairs(texts: Sequence[str], *, threshold: float) -> list[tuple[int, int]]:
    """Every pair of texts that are so much alike: earlier position, later position."""
    if len(texts) < 2:
        return []
    signatures = Signatures()
    signatures.add(texts)
    pairs = signatures.candidates(np.arange(len(texts)), threshold=threshold)
    return list(verified(pairs, texts.__getitem__, threshold=threshold))


def better_copies(found: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Of pairs of near copies (better, worse) every worse one that goes, with the one it goes for. One that went itself takes nobody with it."""
    gone: dict[int, int] = {}
    for better, worse in sorted(found, key=lambda pair: (pair[1], pair[0])):
        if better not in gone:
            gone.setdefault(worse, better)
    return gone


def distinct(texts: Sequence[str], *, threshold: float) -> list[int]:
    """Positions of the texts that stay if of near copies the first one does."""
    signatures = Signatures()
    signatures.add(texts)
    pairs = signatures.candidates(np.arange(len(texts)), threshold=threshold, most=FIRST)
    gone = better_copies(verified(pairs, texts.__getitem__, threshold=threshold))
    return [at for at in range(len(texts)) if at not in gone]
