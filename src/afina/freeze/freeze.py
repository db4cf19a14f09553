"""The split and the content hash."""

import json
import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from afina.errors import NotEnoughDataError
from afina.ids import DatasetId
from afina.records import Dataset, Example, Split
from afina.settings import FreezeSettings
from afina.tasks import Task


def freeze(
    examples: Sequence[Example],
    settings: FreezeSettings,
    task: Task,
    *,
    test: Sequence[Example] | None = None,
    kept: Mapping[str, Split] | None = None,
) -> Dataset:
    """Split examples and name the result by its content.

    Examples of one group stay on one side, and on the side where an earlier dataset had them (`kept`). A test part given from
    outside is taken as it is; training examples of its groups are not removed, because the caller decided that split.

    Raises:
        NotEnoughDataError: too few examples, all of one group, or nothing that can be learnt.
    """
    require_enough(examples, settings)
    rest = ordered(examples)
    kept = kept if kept and test is None else {}
    groups = [e.group for e in rest]
    found = split_parts(groups, [e.stratum for e in rest], settings, kept=kept, held_out=test is None)
    parts = {split: tuple(rest[at] for at in found[split]) for split in Split}
    parts[Split.TEST] = parts[Split.TEST] if test is None else tuple(ordered(test))
    task.kind.require_learnable(task, rest, parts[Split.TRAIN])
    schema = task.kind.answer_schema(task, parts[Split.TRAIN])
    prompt = task.kind.prompt(task)
    body = {
        "kind": task.kind.name,
        "prompt": prompt,
        "schema": schema,
        **{split.value: content(parts[split]) for split in Split},
    }
    digest = blake2b(json.dumps(body, ensure_ascii=False, sort_keys=True).encode(), digest_size=10).hexdigest()
    card = {
        **sizes(parts, settings),
        **task.kind.card(task, parts),
        "groups_kept": len(set(groups) & kept.keys()),
    }
    return Dataset(
        id=DatasetId(f"dat_{digest}"),
        task=task.name,
        kind=task.kind.name,
        prompt=prompt,
        answer_schema=schema,
        train=parts[Split.TRAIN],
        validation=parts[Split.VALIDATION],
        test=parts[Split.TEST],
        card=card,
    )


def require_enough(examples: Sequence[Example], settings: FreezeSettings) -> None:
    """Refuse what no honest result can come from.

    Raises:
        NotEnoughDataError: says how many there are and how many are needed.
    """
    if len(examples) < settings.min_examples:
        raise NotEnoughDataError(
            f"{len(examples)} usable examples, at least {settings.min_examples} are needed",
            remedy="collect or review more (`afina review`); `afina curate` and rejects.json say what was rejected and why",
        )


def ordered(examples: Sequence[Example]) -> list[Example]:
    """In the order of their content, so that the same content is the same dataset wherever it comes from. An example without
    a group is a group of its own.
    """
    alone = [
        e if e.group else replace(e, group=f"own:{blake2b(text_of(e).encode(), digest_size=8).hexdigest()}")
        for e in examples
    ]
    return sorted(alone, key=lambda e: (text_of(e), e.group, e.id))


def text_of(example: Example) -> str:
    """All of an example's text; its message first, so that an order by it is an order of messages."""
    before = "\x1f".join(f"{turn.role}\x1e{turn.content}" for turn in example.turns[:-1])
    return f"{example.message}\x1f{example.answer if example.turns else ''}\x1f{before}"


def content(examples: Sequence[Example]) -> list[Any]:
    """What of examples is content: not their ids, not where they came from."""
    return [[[[turn.role, turn.content] for turn in e.turns], e.answer] for e in examples]


def sizes(parts: Mapping[Split, Sequence[Example]], settings: FreezeSettings) -> dict[str, Any]:
    """Rows and groups of every part, and how it was split."""
    return {
        "rows": {split.value: len(rows) for split, rows in parts.items()},
        "groups": {split.value: len({e.group for e in rows}) for split, rows in parts.items()},
        "strata": {split.value: len(Counter(e.stratum for e in rows)) for split, rows in parts.items()},
        "split": settings.model_dump(),
    }


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
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold  # 1.2 s: only where it splits

    if len(set(groups)) < 2:
        raise NotEnoughDataError(
            "all examples come from one user or conversation: no part can be held out without a leak",
            remedy="import messages of several users, or leave the column `user` out",
        )
    largest = max(Counter(classes).values())
    folds = min(max(2, round(1 / share)), len(set(groups)))
    if largest < folds:  # every class is too small to be spread over the parts: split by group alone
        held = min(math.ceil(share * len(set(groups))), len(set(groups)) - 1)  # 80 % of two groups are not both
        splitter = GroupShuffleSplit(n_splits=1, test_size=held, random_state=seed)
    else:
        splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes rarer than the number of folds: expected in real data
        first, second = next(iter(splitter.split(np.zeros(len(groups)), list(classes), list(groups))))
    return sorted(map(int, first)), sorted(map(int, second))
