"""Different answers to one message: at most one of them is learnt."""

import numpy as np
import numpy.typing as npt

from afina.curate.table import Positions, Table
from afina.tasks import Task

STEP = "conflicts"
REVIEW = "people gave different answers to this message: sent back to review"


def conflicts(table: Table, task: Task) -> None:
    """The most trusted and newest, the majority, or none of them, as `curate.conflicts` says."""
    ranked = table.ranked()
    keys, answers = table.column("key")[ranked], table.column("answer")[ranked]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    contested = np.zeros(len(first), dtype=bool)
    contested[group[answers != answers[first[group]]]] = True
    if task.curate.conflicts == "review":
        table.reject(ranked[contested[group]], STEP, REVIEW)
        return
    winner = first if task.curate.conflicts == "newest" else most_frequent(group, answers, contested, first)
    loses = contested[group] & (answers != answers[winner[group]])
    reject_losers(table, ranked[loses], ranked[winner[group[loses]]], majority=task.curate.conflicts == "majority")


def most_frequent(
    group: Positions, answers: npt.NDArray[np.uint64], contested: npt.NDArray[np.bool_], first: Positions
) -> Positions:
    """Of each contested group the best row among those with the most frequent answer; of equally frequent ones the best counts."""
    winner = first.copy()
    rows = np.flatnonzero(contested[group])
    votes: dict[int, dict[int, list[int]]] = {}
    for at in rows.tolist():
        votes.setdefault(int(group[at]), {}).setdefault(int(answers[at]), []).append(at)
    for one, said in votes.items():
        winner[one] = max(said.values(), key=lambda places: (len(places), -places[0]))[0]
    return winner


def reject_losers(table: Table, losers: Positions, winners: Positions, *, majority: bool) -> None:
    """Reject rows that a better one contradicts."""
    if majority:
        table.reject(losers, STEP, "contradicted by most decisions on the same message")
        return
    newer = winners > losers
    table.reject(losers[newer], STEP, "contradicted by a newer decision on the same message")
    table.reject(losers[~newer], STEP, "contradicted by an older, more trusted decision on the same message")
