"""Examples in their parts, without leaks, named by their content."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from afina.errors import NotEnoughDataError, StoreError
from afina.freeze.canaries import is_canary
from afina.freeze.card import Placed, make_card
from afina.freeze.groups import Groups, Links, Pair, copies_among, group_rows, named_pairs, names_of
from afina.freeze.split import Parts, Rows, split_parts
from afina.ids import DatasetId
from afina.records import Dataset, Example, Split
from afina.settings import FreezeSettings
from afina.tasks import Task

BOTH = "holds training and held-out rows together"
NEAR = "near copy of a held-out row"
"""Why a row is in no part."""
MOST_LEFT_OUT = 1 / 3
"""Of messages that are all made by one pattern ("order number 17 …") each is a near copy of many: were more than so many of the training
rows left out for it, little would remain. Then they stay, and the card says how many they are.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What was frozen before: the part of every user and conversation, and the test rows, which are never trained on."""

    parts: Mapping[str, Split] = field(default_factory=dict)
    test: Sequence[Example] = ()


def freeze(
    examples: Sequence[Example],
    settings: FreezeSettings,
    task: Task,
    *,
    test: Sequence[Example] | None = None,
    earlier: Earlier | None = None,
) -> Dataset:
    """Split examples and name the result by its content.

    Examples of one group stay on one side, and on the side where an earlier dataset had them. A row that holds both sides together
    (a near copy of a held-out message by a user who is trained on) is left out, and the card says so. A test part given from outside
    is taken as it is; training examples of its groups are not removed, because the caller decided that split.

    Raises:
        NotEnoughDataError: too few examples, all of one group, or nothing that can be learnt.
    """
    require_enough(examples, settings)
    rows = ordered(examples)
    earlier = earlier if earlier and test is None else Earlier()
    placed = place_rows(rows, settings, task, earlier=earlier, held_out=test is None)
    parts = {split: tuple(rows[at] for at in placed.parts[split]) for split in Split}
    parts[Split.TEST] = parts[Split.TEST] if test is None else tuple(ordered(test))
    task.kind.require_learnable(task, rows, parts[Split.TRAIN])
    schema = task.kind.answer_schema(task, parts[Split.TRAIN])
    prompt = task.kind.prompt(task)
    dataset = Dataset(
        id=DatasetId(""),
        task=task.name,
        kind=task.kind.name,
        prompt=prompt,
        answer_schema=schema,
        train=parts[Split.TRAIN],
        validation=parts[Split.VALIDATION],
        test=parts[Split.TEST],
        card={**make_card(parts, settings, placed), **task.kind.card(task, parts)},
    )
    return replace(dataset, id=content_id(dataset))


def content_id(dataset: Dataset) -> DatasetId:
    """The id that the content of a dataset has."""
    body = {
        "kind": dataset.kind,
        "prompt": dataset.prompt,
        "schema": dataset.answer_schema,
        **{split.value: content(dataset.part(split)) for split in Split},
    }
    digest = blake2b(json.dumps(body, ensure_ascii=False, sort_keys=True).encode(), digest_size=10).hexdigest()
    return DatasetId(f"dat_{digest}")


def require_whole(dataset: Dataset, *, where: str) -> None:
    """Make sure that a dataset holds what its id says.

    Raises:
        StoreError: it was changed by hand.
    """
    if "code" not in dataset.card:  # frozen by an earlier version, whose ids are of another form
        return
    seed = dataset.card.get("canaries", {}).get("seed")
    plain = replace(dataset, train=tuple(e for e in dataset.train if not is_canary(e))) if seed else dataset
    if content_id(plain) != (seed or dataset.id):
        raise StoreError(f"{where} was changed since it was frozen", remedy="freeze anew: a dataset is never edited")


def place_rows(
    rows: Sequence[Example], settings: FreezeSettings, task: Task, *, earlier: Earlier, held_out: bool
) -> Placed:
    """The part of every row; rows that cannot be in any without a leak are left out.

    Raises:
        NotEnoughDataError: all rows are of one group.
    """
    own = {(text_of(row), row.group) for row in rows}
    held = [row for row in ordered(earlier.test) if (text_of(row), row.group) not in own]
    known = [part_of(row, earlier.parts) for row in rows] + [Split.TEST] * len(held)
    copies = copies_among([*rows, *held], task, near=settings.near_copy)
    new = {at: place for place, at in enumerate(at for at in range(len(rows)) if not known[at])}
    inside = [(new[one], new[other]) for one, other in copies if one in new and other in new]
    groups = group_rows([rows[at] for at in new], task, inside)
    sides = sides_of(groups, new, copies, known)
    out = {at: BOTH for at, place in new.items() if len(sides[groups.of[place]]) > 1}
    names = {
        at: f"{groups.of[new[at]]}" if at in new else f"known {known[at]}" for at in range(len(rows)) if at not in out
    }
    kept = {name: known[at] or one_of(sides[groups.of[new[at]]]) for at, name in names.items()}
    order = list(names)
    found = split_parts(
        Rows(
            groups=[names[at] for at in order],
            classes=[rows[at].stratum for at in order],
            times=[rows[at].origin.at for at in order],
        ),
        settings,
        kept={name: part for name, part in kept.items() if part},
        held_out=held_out,
    )
    parts = {split: [order[at] for at in found[split]] for split in Split}
    both_new = [one in new and other in new for one, other in copies]
    bridges = near_held_out(
        [pair for pair, is_new in zip(copies, both_new, strict=True) if not is_new], parts, rows=len(rows)
    )
    loosened = near_held_out(
        [pair for pair, is_new in zip(copies, both_new, strict=True) if is_new], parts, rows=len(rows)
    )
    across = loosened - bridges if len(loosened) > MOST_LEFT_OUT * len(parts[Split.TRAIN]) else set[int]()
    for at in sorted((bridges | loosened) - across):
        parts[Split.TRAIN].remove(at)
        out[at] = NEAR
    return Placed(
        parts=parts,
        large=groups.large,
        largest=largest_share(rows, copies),
        left_out=Counter(out.values()),
        across=len(across),
        kept=len({row.group for row, part in zip(rows, known, strict=False) if part}),
    )


def sides_of(
    groups: Groups, new: Mapping[int, int], copies: Sequence[Pair], known: Sequence[Split | None]
) -> dict[int, set[Split]]:
    """Group of new rows → the parts in which near copies of them are known."""
    sides: dict[int, set[Split]] = defaultdict(set)
    for one, other in copies:
        for here, there in ((one, other), (other, one)):
            part = known[there]
            if here in new and part:
                sides[groups.of[new[here]]].add(part)
    return sides


def largest_share(rows: Sequence[Example], copies: Sequence[Pair]) -> float:
    """The share of the rows that hold together most."""
    links = Links(len(rows))
    links.join([*named_pairs(rows), *(pair for pair in copies if max(pair) < len(rows))])
    return max(Counter(links.roots()).values(), default=0) / max(1, len(rows))


def part_of(row: Example, parts: Mapping[str, Split]) -> Split | None:
    """Where an earlier dataset had a row's user or conversation; of two the one that is not trained on."""
    found = {parts[name] for name in names_of(row) if name in parts}
    return next((part for part in (Split.TEST, Split.VALIDATION, Split.TRAIN) if part in found), None)


def one_of(sides: set[Split]) -> Split | None:
    """The only part of a group, if it has one."""
    return next(iter(sides)) if len(sides) == 1 else None


def near_held_out(copies: Sequence[Pair], parts: Parts, *, rows: int) -> set[int]:
    """Training rows that are near copies of a held-out row, of this dataset or an earlier one (positions from `rows` on)."""
    train = set(parts[Split.TRAIN])
    held = {*parts[Split.TEST], *parts[Split.VALIDATION]}
    found = set()
    for one, other in copies:
        for here, there in ((one, other), (other, one)):
            if here in train and (there in held or there >= rows):
                found.add(here)
    return found


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
