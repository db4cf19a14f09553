"""What says the same twice is learnt once: the row of most trust, and of equal trust the newest."""

import numpy as np

from afina.curate.table import Positions, Table
from afina.likeness import FIRST, better_copies, verified
from afina.tasks import Task


def exact_duplicates(table: Table, _task: Task) -> None:
    """Equal messages with equal answers."""
    ranked = table.ranked()
    same = np.stack([table.column("key")[ranked], table.column("answer")[ranked]], axis=1)
    _, first, group = np.unique(same, axis=0, return_index=True, return_inverse=True)
    best = ranked[first[group]]
    again = best != ranked
    reject_worse(table, ranked[again], best[again], step="exact_duplicates", what="exact duplicate of")


def near_duplicates(table: Table, task: Task) -> None:
    """Texts that are nearly the same and have one answer."""
    ranked = table.ranked()
    if len(ranked) < 2:
        return
    threshold = task.curate.near_duplicate
    signatures = table.signatures(ranked, task)
    pairs = signatures.candidates(np.arange(signatures.count), threshold=threshold, most=FIRST)
    apart = table.column("apart")[ranked]
    pairs = pairs[apart[pairs[:, 0]] == apart[pairs[:, 1]]]
    found = verified(pairs, lambda at: task.kind.compared(table.example(ranked[at]))[0], threshold=threshold)
    best = better_copies(found)
    gone = np.array(sorted(best.items()), dtype=np.int64).reshape(-1, 2)
    reject_worse(table, ranked[gone[:, 0]], ranked[gone[:, 1]], step="near_duplicates", what="near duplicate of")


def reject_worse(table: Table, worse: Positions, better: Positions, *, step: str, what: str) -> None:
    """Reject rows for better ones: newer, or older and more trusted."""
    newer = better > worse
    table.reject(worse[newer], step, f"{what} a newer message")
    table.reject(worse[~newer], step, f"{what} an older, more trusted message")
