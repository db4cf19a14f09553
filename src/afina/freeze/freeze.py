"""The split and the content hash."""

import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from afina.errors import NotEnoughDataError
from afina.ids import DatasetId
from afina.records import Dataset, Example, Split
from afina.settings import FreezeSettings


def freeze(
    examples: Sequence[Example],
    settings: FreezeSettings,
    *,
    task: str,
    fields: Sequence[str],
    test: Sequence[Example] | None = None,
    kept: Mapping[str, Split] | None = None,
) -> Dataset:
    """Split examples and name the result by its content.

    Examples of one group stay on one side, and on the side where an earlier dataset had them (`kept`). A test part given from
    outside is taken as it is; training examples of its groups are not removed, because the caller decided that split.

    Raises:
        NotEnoughDataError: too few examples, or only one class.
    """
    require_enough(examples, settings, fields=fields)
    rest = sorted(examples, key=lambda e: (e.text, e.group))  # the same content is the same dataset, in any order
    joined = ["\x1f".join(e.target.values()) for e in rest]
    kept = kept if kept and test is None else {}
    found = split_parts([e.group for e in rest], joined, settings, kept=kept, held_out=test is None)
    train, validation, drawn = ([rest[at] for at in found[part]] for part in Split)
    held_out = drawn if test is None else sorted(test, key=lambda e: (e.text, e.group))
    labels = {name: tuple(sorted({e.target[name] for e in train})) for name in fields}
    require_classes(labels)
    body = {"fields": list(fields), "train": rows(train), "validation": rows(validation), "test": rows(held_out)}
    digest = blake2b(json.dumps(body, ensure_ascii=False, sort_keys=True).encode(), digest_size=10).hexdigest()
    card = make_card(train, validation, held_out, fields=fields, settings=settings)
    card["groups_kept"] = len({e.group for e in rest} & kept.keys())
    return Dataset(
        id=DatasetId(f"dat_{digest}"), task=task, fields=tuple(fields), labels=labels,
        train=tuple(train), validation=tuple(validation), test=tuple(held_out), card=card,
    )  # fmt: skip


def require_enough(examples: Sequence[Example], settings: FreezeSettings, *, fields: Sequence[str]) -> None:
    """Refuse what no honest result can come from.

    Raises:
        NotEnoughDataError: says how many there are and how many are needed.
    """
    if len(examples) < settings.min_examples:
        raise NotEnoughDataError(
            f"{len(examples)} usable examples, at least {settings.min_examples} are needed",
            remedy="review more messages (`afina review`), or see `afina curate` for what was rejected and why",
        )
    for name in fields:
        found = {e.target[name] for e in examples}
        if len(found) < 2:
            raise NotEnoughDataError(
                f"every example has the same {name} ({next(iter(found))!r}): there is nothing to tell apart",
                remedy=f"review messages of other classes, or leave {name} out",
            )


def require_classes(labels: Mapping[str, Sequence[str]]) -> None:
    """Refuse a training part that has nothing to tell apart, though all parts together have.

    Raises:
        NotEnoughDataError: a field has one class in it.
    """
    for name, found in labels.items():
        if len(found) < 2:
            raise NotEnoughDataError(
                f"every example of the training part has the same {name} ({', '.join(map(repr, found)) or 'none'}): "
                "the other classes are in the validation and test parts only",
                remedy="review more messages of the other classes, from several users",
            )


def split_parts(
    groups: Sequence[str],
    classes: Sequence[str],
    settings: FreezeSettings,
    *,
    kept: Mapping[str, Split] | None = None,
    held_out: bool = True,
) -> dict[Split, list[int]]:
    """Positions of the rows of every part, keeping the classes' proportions as far as groups allow.

    A group that is in `kept` stays in its part: what a live version was trained on must not become the next one's test, nor its
    test the next one's training. New groups fill every part up to its share. Without `held_out` nothing is drawn for the test.

    Raises:
        NotEnoughDataError: all rows are of one group.
    """
    kept = kept or {}
    found = {part: [at for at, group in enumerate(groups) if kept.get(group) is part] for part in Split}
    new = [at for at, group in enumerate(groups) if group not in kept]
    shares = {Split.TEST: settings.test_share} if held_out else {}
    shares[Split.VALIDATION] = settings.validation_share / (1 - sum(shares.values()))  # of what the test leaves
    rows = len(groups)
    for seed, (part, share) in enumerate(shares.items(), start=settings.seed if held_out else settings.seed + 1):
        missing = share if not kept else (share * rows - len(found[part])) / max(1, len(new))
        if missing > 0 and not (kept and len({groups[at] for at in new}) < 2):
            stay, go = split_groups(
                [groups[at] for at in new], [classes[at] for at in new], share=min(missing, 0.8), seed=seed
            )
            found[part] = sorted([*found[part], *(new[at] for at in go)])
            new = [new[at] for at in stay]
        rows -= len(found[part])
    found[Split.TRAIN] = sorted([*found[Split.TRAIN], *new])
    return found


def split_groups(
    groups: Sequence[str], classes: Sequence[str], *, share: float, seed: int
) -> tuple[list[int], list[int]]:
    """Positions of (1 - share, share) of the rows; a group stays whole, classes keep their proportions where they can.

    Raises:
        NotEnoughDataError: there is only one group.
    """
    if len(set(groups)) < 2:
        raise NotEnoughDataError(
            "all examples come from one user or conversation: no part can be held out without a leak",
            remedy="import messages of several users, or leave the column `user` out",
        )
    largest = max(Counter(classes).values())
    folds = min(max(2, round(1 / share)), len(set(groups)))
    if largest < folds:  # every class is too small to be spread over the parts: split by group alone
        splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    else:
        splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes rarer than the number of folds: expected in real data
        first, second = next(iter(splitter.split(np.zeros(len(groups)), list(classes), list(groups))))
    return sorted(map(int, first)), sorted(map(int, second))


def rows(examples: Sequence[Example]) -> list[list[Any]]:
    """What of an example is content: not its id, not where it came from."""
    return [[e.text, e.target] for e in examples]


def make_card(
    train: Sequence[Example],
    validation: Sequence[Example],
    test: Sequence[Example],
    *,
    fields: Sequence[str],
    settings: FreezeSettings,
) -> dict[str, Any]:
    """The data card: sizes, labels, groups, how it was split."""
    parts = {"train": train, "validation": validation, "test": test}
    return {
        "rows": {name: len(part) for name, part in parts.items()},
        "groups": {name: len({e.group for e in part}) for name, part in parts.items()},
        "labels": {
            name: {part: dict(Counter(e.target[name] for e in rows_)) for part, rows_ in parts.items()}
            for name in fields
        },
        "split": settings.model_dump(),
        "labels_not_in_training": {name: unlearnt(train, validation, test, field=name) for name in fields},
    }


def unlearnt(
    train: Sequence[Example], validation: Sequence[Example], test: Sequence[Example], *, field: str
) -> dict[str, dict[str, int]]:
    """Class → rows of each other part, of the classes that the training part lacks: no model trained on it can say them."""
    known = {e.target[field] for e in train}
    missing = sorted({e.target[field] for e in (*validation, *test)} - known)
    return {
        label: {
            part: sum(e.target[field] == label for e in rows_)
            for part, rows_ in (("validation", validation), ("test", test))
        }
        for label in missing
    }
