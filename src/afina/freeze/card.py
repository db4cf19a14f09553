"""The data card: what is in a dataset, where it comes from, how it was split. Made of the content alone, so equal content has an equal card."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from afina import __version__
from afina.freeze.groups import LargeGroup
from afina.records import Example, Split
from afina.settings import FreezeSettings

UNSTATED = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the rows went: positions by part; large groups; the share of the rows that hold together most; why some rows are left
    out; how many groups are where they were before.
    """

    parts: Mapping[Split, Sequence[int]]
    large: Sequence[LargeGroup]
    largest: float
    left_out: Mapping[str, int]
    across: int
    """Training rows that are near copies of held-out ones and stay, because they are too many."""
    kept: int


def make_card(parts: Mapping[Split, Sequence[Example]], settings: FreezeSettings, placed: Placed) -> dict[str, Any]:
    """Rows, groups and classes of every part, sources with their licences, evidence, personal data that was taken out."""
    rows = [example for split in Split for example in parts[split]]
    sources = Counter(example.origin.source or UNSTATED for example in rows)
    return {
        "rows": {split.value: len(own) for split, own in parts.items()},
        "groups": {split.value: len({e.group for e in own}) for split, own in parts.items()},
        "strata": {split.value: len(Counter(e.stratum for e in own)) for split, own in parts.items()},
        "split": settings.model_dump(exclude={"licences"}),
        "groups_kept": placed.kept,
        "largest_group": round(placed.largest, 4),
        "large_groups": [asdict(one) for one in placed.large],
        "left_out": dict(sorted(placed.left_out.items())),
        "near_copies_across": placed.across,
        "sources": dict(sorted(sources.items())),
        "licences": {name: settings.licences.get(name, UNSTATED) for name in sorted(sources)},
        "evidence": dict(sorted(Counter(example.origin.evidence or "none" for example in rows).items())),
        "findings": dict(sorted(summed(example.origin.findings for example in rows).items())),
        "said": said_between(rows),
        "characters": {
            "message": quartiles([len(example.message) for example in rows]),
            "answer": quartiles([len(example.answer) for example in rows]),
        },
        "code": f"afina {__version__}",
    }


def summed(findings: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Counts of many rows together."""
    found: Counter[str] = Counter()
    for one in findings:
        found.update(one)
    return found


def said_between(rows: Sequence[Example]) -> list[str]:
    """The first and the last time, where the rows have any."""
    times = [example.origin.at for example in rows if example.origin.at]
    return [min(times), max(times)] if times else []


def quartiles(lengths: Sequence[int]) -> list[int]:
    """Shortest, lower quartile, median, upper quartile, longest."""
    held = sorted(lengths)
    return [held[round(share * (len(held) - 1))] for share in (0, 0.25, 0.5, 0.75, 1)] if held else []
