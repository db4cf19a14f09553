"""What was seen of a canary, row by row → arrays by measure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from afina.release.canary import Events
from afina.release.draws import Seen


@dataclass(frozen=True, slots=True)
class Observed:
    """One thing that was seen of one user: whom the draw fell on, the canary's share then, and values by measure as harm."""

    user: str
    canary: bool
    share: float
    values: Mapping[str, float]


@dataclass(slots=True)
class Column:
    """One measure while it is read."""

    at: list[int] = field(default_factory=list)
    user: list[int] = field(default_factory=list)
    canary: list[bool] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)


def events_of(rows: Iterable[Observed]) -> Events:
    """In the order in which they come."""
    columns: dict[str, Column] = {}
    users: dict[str, int] = {}
    for at, row in enumerate(rows):
        number = users.setdefault(row.user, len(users))
        for name, value in row.values.items():
            column = columns.setdefault(name, Column())
            column.at.append(at)
            column.user.append(number)
            column.canary.append(row.canary)
            column.share.append(row.share)
            column.value.append(value)
    return {
        name: Seen(
            at=np.array(one.at, dtype=np.int64),
            user=np.array(one.user, dtype=np.int64),
            canary=np.array(one.canary, dtype=bool),
            share=np.array(one.share, dtype=np.float64),
            value=np.array(one.value, dtype=np.float64),
        )
        for name, one in columns.items()
    }
