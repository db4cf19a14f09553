"""Who counts, and how likely it was that they met the canary: one user once for each draw that decided their version.

At every step of the ramp those who have not met the canary are drawn again: their place is above the last share, so that the canary is met with
probability (share - last) / (1 - last). Who has met it is drawn no more. A user's later answers change nothing: a loud one weighs as much as a quiet
one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of one measure, in order of arrival. All arrays have one length."""

    at: Positions
    """Number of the event, over all measures: which came first."""
    user: Positions
    """A number for each user."""
    canary: NDArray[np.bool_]
    """Whether the draw fell on the canary, whoever answered in the end."""
    share: NDArray[np.float64]
    """The canary's share when it was answered."""
    value: NDArray[np.float64]


def counted(seen: Seen) -> tuple[Positions, NDArray[np.float64]]:
    """Which rows count, in their order, and for each the probability with which the draw fell on the canary."""
    usable = np.flatnonzero((seen.share > 0) & (seen.share < 1))
    shares, step = np.unique(seen.share[usable], return_inverse=True)
    _, first = np.unique(seen.user[usable] * len(shares) + step, return_index=True)
    rows = usable[np.sort(first)]
    users, code = np.unique(seen.user[rows], return_inverse=True)
    by_user = np.lexsort((rows, code))
    start = np.searchsorted(code[by_user], np.arange(len(users)))
    rank = np.empty(len(rows), dtype=np.int64)
    rank[by_user] = np.arange(len(rows)) - start[code[by_user]]
    last, met = np.zeros(len(users)), np.zeros(len(users), dtype=bool)
    chance = np.zeros(len(rows))
    for turn in range(int(rank.max(initial=-1)) + 1):  # at most as often as there are steps
        here = np.flatnonzero(rank == turn)
        who, share = code[here], seen.share[rows[here]]
        here, who, share = (part[~met[who] & (share > last[who])] for part in (here, who, share))
        chance[here] = (share - last[who]) / (1 - last[who])
        last[who], met[who] = share, seen.canary[rows[here]]
    kept = chance > 0
    return rows[kept], chance[kept]
