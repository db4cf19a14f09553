"""Groups → train, validation, test: whole groups, classes in proportion, or the newest groups held out."""

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afina.errors import NotEnoughDataError
from afina.records import Split
from afina.settings import FreezeSettings

NEAR_ENOUGH = 0.02
"""How far a part's share may be from the one that is wanted, where groups are small enough for it."""
Parts = dict[Split, list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a split looks at: of every row its group, its class and, for a split by time, when it was said."""

    groups: Sequence[str]
    classes: Sequence[str]
    times: Sequence[str] = ()


def split_parts(
    rows: Rows, settings: FreezeSettings, *, kept: Mapping[str, Split] | None = None, held_out: bool = True
) -> Parts:
    """Positions of the rows of every part, keeping the classes' proportions as far as groups allow.

    A group that is in `kept` stays in its part: what a live version was trained on must not become the next one's test, nor its
    test the next one's training. New groups fill every part up to its share. Without `held_out` nothing is drawn for the test.
    Where the settings split by time, the groups with the newest rows are held out.

    Raises:
        NotEnoughDataError: all rows are of one group.
    """
    kept, groups = kept or {}, rows.groups
    found = {part: [at for at, group in enumerate(groups) if kept.get(group) is part] for part in Split}
    new = [at for at, group in enumerate(groups) if group not in kept]
    shares = {Split.TEST: settings.test_share} if held_out else {}
    shares[Split.VALIDATION] = settings.validation_share / (1 - sum(shares.values()))  # of what the test leaves
    left = len(groups)
    for seed, (part, share) in enumerate(shares.items(), start=settings.seed if held_out else settings.seed + 1):
        missing = share if not kept else (share * left - len(found[part])) / max(1, len(new))
        if missing > 0 and not (kept and len({groups[at] for at in new}) < 2):
            share_of_new = min(missing, 0.8)
            own = [groups[at] for at in new]
            if settings.split == "time":
                stay, go = split_newest(own, [rows.times[at] for at in new], share=share_of_new)
            else:
                stay, go = split_groups(own, [rows.classes[at] for at in new], share=share_of_new, seed=seed)
            found[part] = sorted([*found[part], *(new[at] for at in go)])
            new = [new[at] for at in stay]
        left -= len(found[part])
    found[Split.TRAIN] = sorted([*found[Split.TRAIN], *new])
    return found


def split_newest(groups: Sequence[str], times: Sequence[str], *, share: float) -> tuple[list[int], list[int]]:
    """Positions of (1 - share, share) of the rows: the groups whose newest row is the newest are the share.

    Raises:
        NotEnoughDataError: there is only one group, or a row has no time.
    """
    require_groups(groups)
    if not all(times):
        raise NotEnoughDataError(
            'freeze.split = "time": some examples do not say when they were said',
            remedy='import them with a column `created_at`, or set freeze.split = "random"',
        )
    newest: dict[str, str] = {}
    for group, time in zip(groups, times, strict=True):
        newest[group] = max(time, newest.get(group, ""))
    wanted, held = share * len(groups), set[str]()
    sizes = Counter(groups)
    for group in sorted(newest, key=lambda one: (newest[one], one), reverse=True):
        if len(held) + 1 < len(sizes) and (not held or sum(sizes[one] for one in held) + sizes[group] / 2 <= wanted):
            held.add(group)
    return positions(groups, held)


def positions(groups: Sequence[str], held: set[str]) -> tuple[list[int], list[int]]:
    """Positions of the rows outside and inside of some groups."""
    return [at for at, g in enumerate(groups) if g not in held], [at for at, g in enumerate(groups) if g in held]


def require_groups(groups: Sequence[str]) -> None:
    """Refuse what cannot be split.

    Raises:
        NotEnoughDataError: there is only one group.
    """
    if len(set(groups)) < 2:
        raise NotEnoughDataError(
            "all examples come from one user or conversation: no part can be held out without a leak",
            remedy="import messages of several users, or leave the column `user` out",
        )


def split_groups(
    groups: Sequence[str], classes: Sequence[str], *, share: float, seed: int
) -> tuple[list[int], list[int]]:
    """Positions of (1 - share, share) of the rows; a group stays whole, classes keep their proportions where they can.

    Raises:
        NotEnoughDataError: there is only one group.
    """
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold  # 1.2 s: only where it splits

    require_groups(groups)
    largest = max(Counter(classes).values())
    folds = min(max(2, round(1 / share)), len(set(groups)))
    if largest < folds:  # every class is too small to be spread over the parts: split by group alone
        held = min(math.ceil(share * len(set(groups))), len(set(groups)) - 1)  # 80 % of two groups are not both
        splitter = GroupShuffleSplit(n_splits=1, test_size=held, random_state=seed)
    else:
        splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes rarer than the number of folds: expected in real data
        _, second = next(iter(splitter.split(np.zeros(len(groups)), list(classes), list(groups))))
    return nearer(groups, classes, {groups[at] for at in second}, share=share)


def nearer(
    groups: Sequence[str], classes: Sequence[str], held: set[str], *, share: float
) -> tuple[list[int], list[int]]:
    """Positions of the rows outside and inside of the held groups, with groups moved until the share is met: folds come in whole numbers.

    Of the groups that bring the share nearer the one moves whose classes the giving part has most of.
    """
    wanted = share * len(groups)
    sizes, members = Counter(groups), defaultdict(list)
    for group, one in zip(groups, classes, strict=True):
        members[group].append(one)
    while abs(off := sum(sizes[one] for one in held) - wanted) > NEAR_ENOUGH * len(groups):
        giving = held if off > 0 else sizes.keys() - held
        fitting = [one for one in giving if sizes[one] < 2 * abs(off)] if len(giving) > 1 else []
        if not fitting:
            break
        have = Counter(one for group in giving for one in members[group])
        moved = max(fitting, key=lambda group: (sum(have[one] for one in members[group]) / sizes[group], group))
        held ^= {moved}
    return positions(groups, held)
