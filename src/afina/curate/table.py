"""All rows of a curation: their texts on the disk, and in memory a few numbers for each, so that a million fit."""

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from afina.likeness import Signatures, digests
from afina.records import Example, Judged, Origin, Turn
from afina.tasks import Task

Positions = npt.NDArray[np.int64]
ORIGIN = tuple(field.name for field in fields(Origin))


class Measured(NamedTuple):
    """A judged row as bytes, and what the steps over all rows compare: hashes of 64 bits."""

    row: bytes
    step: str
    reason: str
    trust: int
    key: int = 0
    answer: int = 0
    apart: int = 0
    """Of what must be equal in near duplicates."""
    user: int = 0
    source: int = 0
    stratum: int = 0
    reused: bool = False
    """Its judgement was taken over."""


def hashed(text: str) -> int:
    """64 bits of a text; 0 for none."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) if text else 0


def measured(judged: Judged, task: Task, *, reused: bool = False) -> Measured:
    """A row with its numbers; a rejected one is compared with nothing."""
    example = judged.example
    row = pickle.dumps(packed(judged), protocol=5)
    if not judged.kept:
        return Measured(row, judged.step, judged.reason, example.trust, reused=reused)
    return Measured(
        row,
        judged.step,
        judged.reason,
        example.trust,
        key=hashed(task.kind.key(example)),
        answer=hashed(example.answer),
        apart=hashed(task.kind.compared(example)[1]),
        user=hashed(example.origin.user),
        source=hashed(example.origin.source),
        stratum=hashed("\x1f".join(stratum_of(example, name) for name in task.curate.balance_by)),
        reused=reused,
    )


def packed(judged: Judged) -> tuple[Any, ...]:
    """A row as plain values: pickling frozen records takes three times as long."""
    one, origin = judged.example, judged.example.origin
    return (
        (
            one.id,
            [(turn.role, turn.content) for turn in one.turns],
            one.answer,
            one.group,
            one.stratum,
            one.source,
            one.facts,
        ),
        tuple(getattr(origin, name) for name in ORIGIN),
        (judged.step, judged.reason, judged.fingerprint),
    )


def unpacked(values: tuple[Any, ...]) -> Judged:
    """The row again."""
    (identity, turns, answer, group, stratum, source, facts), origin, (step, reason, fingerprint) = values
    example = Example(
        id=identity,
        turns=tuple(Turn(role, content) for role, content in turns),
        answer=answer,
        group=group,
        stratum=stratum,
        source=source,
        facts=facts,
        origin=Origin(**dict(zip(ORIGIN, origin, strict=True))),
    )
    return Judged(example=example, step=step, reason=reason, fingerprint=fingerprint)


def stratum_of(example: Example, name: str) -> str:
    """A part of what makes a class."""
    return example.stratum if name == "stratum" else str(example.facts.get(name, ""))


@dataclass(slots=True, weakref_slot=True)
class Table(Collection[Judged]):
    """Rows in the order in which they came, the newest last. Steps reject them by position."""

    rows: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    starts: "array[int]" = field(default_factory=lambda: array("Q"))
    numbers: dict[str, "array[int]"] = field(
        default_factory=lambda: {name: array("Q") for name in ("key", "answer", "apart", "user", "source", "stratum")}
    )
    trust: "array[int]" = field(default_factory=lambda: array("B"))
    why: "array[int]" = field(default_factory=lambda: array("H"))
    """Of each row the place of its rejection in `whys`; 0 = kept."""
    whys: list[tuple[str, str]] = field(default_factory=lambda: [("", "")])

    def __post_init__(self) -> None:
        weakref.finalize(self, self.rows.close)

    def add(self, one: Measured) -> None:
        """A row more, at the end."""
        self.starts.append(self.rows.tell())
        self.rows.write(one.row)
        for name, numbers in self.numbers.items():
            numbers.append(getattr(one, name))
        self.trust.append(one.trust)
        self.why.append(self.place(one.step, "") if one.step else 0)

    def place(self, step: str, reason: str) -> int:
        """Where a rejection stands; without a reason it is the row's own."""
        if (step, reason) not in self.whys:
            self.whys.append((step, reason))
        return self.whys.index((step, reason))

    def column(self, name: str) -> npt.NDArray[np.uint64]:
        """One number of every row."""
        return np.frombuffer(self.numbers[name], dtype=np.uint64)

    def alive(self) -> Positions:
        """Positions of the rows that no step has rejected yet."""
        return np.flatnonzero(np.frombuffer(self.why, dtype=np.uint16) == 0)

    def ranked(self) -> Positions:
        """The same, the most trusted first, and of equal trust the newest."""
        alive = self.alive()
        return alive[np.lexsort((-alive, -np.frombuffer(self.trust, dtype=np.uint8)[alive].astype(np.int64)))]

    def reject(self, positions: Sequence[int] | Positions, step: str, reason: str) -> None:
        """Rows go, for a reason."""
        place = self.place(step, reason)
        for position in positions:
            self.why[int(position)] = place

    def example(self, position: int) -> Example:
        """The example at a position."""
        return self.read(position).example

    def read(self, position: int) -> Judged:
        """A row as it stands now."""
        self.rows.seek(self.starts[position])
        return self.judged_now(unpacked(pickle.load(self.rows)), position)  # noqa: S301 - this process wrote it

    def judged_now(self, judged: Judged, position: int) -> Judged:
        """A row with the rejection of a later step."""
        step, reason = self.whys[self.why[position]]
        return replace(judged, step=step, reason=reason) if reason else judged

    def signatures(self, positions: Positions, task: Task) -> Signatures:
        """Digests of the texts of these rows: text n is of `positions[n]`."""
        found = Signatures()
        for start in range(0, len(positions), 10_000):
            found.add_digests(
                digests([task.kind.compared(self.example(at))[0] for at in positions[start : start + 10_000]])
            )
        return found

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Judged]:
        for position in range(len(self)):
            yield self.read(position)

    def __contains__(self, one: object) -> bool:
        return any(one == judged for judged in self)
