"""How much of a dataset one user, one source, one class may be, and how much there may be at all."""

import math

import numpy as np
import numpy.typing as npt

from afina.curate.table import Positions, Table
from afina.tasks import Task


def caps(table: Table, task: Task) -> None:
    """No user and no source gives more than its share. Rows without a user are nobody's."""
    for column, share, what in (
        ("user", task.curate.user_share, "user"),
        ("source", task.curate.source_share, "source"),
    ):
        ranked = table.ranked()
        owners = table.column(column)[ranked]
        over = over_share(owners, share)
        table.reject(ranked[over], "caps", f"more than {share:.0%} of the examples are of this {what}")


def over_share(owners: npt.NDArray[np.uint64], share: float) -> npt.NDArray[np.bool_]:
    """Which rows (the best first) go, so that no owner has more than a share of what remains; owner 0 is nobody.

    With fewer than 2 / share owners nothing goes: a share that hardly can be kept says nothing about anybody.
    """
    known, group, counts = np.unique(owners, return_inverse=True, return_counts=True)
    somebody = known != 0
    if share >= 1 or share <= 0 or somebody.sum() < 2 / share:
        return np.zeros(len(owners), dtype=bool)
    most = int(counts.max())
    while most > 1 and np.minimum(counts[somebody], most).max() > share * kept_with(counts, somebody, most):
        most = min(most - 1, math.floor(share * kept_with(counts, somebody, most)))
    over: npt.NDArray[np.bool_] = (nth_of_group(group) >= most) & somebody[group]
    return over


def kept_with(counts: Positions, somebody: npt.NDArray[np.bool_], most: int) -> int:
    """How many rows remain if nobody gives more than `most`."""
    return int(np.minimum(counts[somebody], most).sum() + counts[~somebody].sum())


def nth_of_group(group: Positions) -> Positions:
    """Of each row how many of its group come before it."""
    order = np.argsort(group, kind="stable")
    held = group[order]
    starts = np.flatnonzero(np.concatenate([[True], held[1:] != held[:-1]])) if len(held) else held
    sizes = np.diff(np.concatenate([starts, [len(held)]]))
    found = np.empty(len(group), dtype=np.int64)
    found[order] = np.arange(len(held)) - np.repeat(starts, sizes)
    return found


def balance(table: Table, task: Task) -> None:
    """A class with n rows, more than the median class's m, keeps m · (n / m) ^ balance of them, the best."""
    power = task.curate.balance
    ranked = table.ranked()
    if power >= 1 or not len(ranked):
        return
    _, group, counts = np.unique(table.column("stratum")[ranked], return_inverse=True, return_counts=True)
    middle = float(np.median(counts))
    most = np.where(counts > middle, np.ceil(middle * (counts / middle) ** power), counts)
    over = nth_of_group(group) >= most[group]
    table.reject(ranked[over], "balance", "its class has more examples than the others")


def newest(table: Table, task: Task) -> None:
    """Not more than the newest so many."""
    alive = table.alive()
    if task.curate.newest and len(alive) > task.curate.newest:
        table.reject(alive[: -task.curate.newest], "newest", f"older than the newest {task.curate.newest}")
