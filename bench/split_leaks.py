"""Does a split leak? Planted groups and chains of near copies, and real messages of banking77 and hwu64.

    python -m bench.split_leaks

Planted: 4,000 messages of 600 users, of whom one writes a tenth; conversations that two users share; 300 near copies of other people's messages
(Jaccard index of character 5-grams 0.8 to 0.95); a chain of 300 messages of which each is nearly the next one. Real: the training files,
without users.
Every pair of a held-out and a training message is compared by brute force (an inverted index of 5-grams).

Prints one JSON line: `leaks` by set (held-out rows that share a user or a conversation with training, or are at least 0.8 like a training message),
`test_share` (asked: 0.25), `largest_group`, `large_groups` that were reported, `left_out`, and `naive_leaks` of a random split of the same rows.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from afina.files import read_rows
from afina.freeze.freeze import freeze
from afina.ids import example_id
from afina.likeness import alike, grams
from afina.records import Example, Origin, Split, Turn
from afina.settings import FreezeSettings, make_settings
from afina.tasks import make_task

DATA = Path(__file__).parents[2] / "shared" / "data"
TASK = make_task(make_settings({"task": {"kind": "classify", "fields": ["intent"]}}), folder=Path())


def example(number: int, text: str, label: str, user: str = "", talk: str = "") -> Example:
    """A labelled message."""
    return Example(
        id=example_id(str(number)),
        turns=(Turn("user", text),),
        answer=json.dumps({"intent": label}),
        group=user or talk,
        stratum=label,
        source=str(number),
        origin=Origin(user=user, conversation=talk),
    )


def words(rng: random.Random) -> str:
    """A message of made-up words."""
    return " ".join(
        "".join(rng.choices("abcdefghilmnoprstuvz", k=rng.randint(3, 9))) for _ in range(rng.randint(8, 16))
    )


def planted() -> list[Example]:
    """Groups and chains on purpose."""
    rng = random.Random(0)
    rows = []
    for number in range(4000):
        user = "loud" if rng.random() < 0.1 else f"user {rng.randrange(600)}"
        talk = f"talk {rng.randrange(4000)}" if rng.random() < 0.02 else ""
        rows.append(example(number, words(rng), f"i{number % 20}", user, talk))
    for number in range(300):
        told = rng.choice(rows[:4000]).message.split()
        told[-1] = told[-1][:2] + "x"
        rows.append(example(5000 + number, " ".join(told), f"i{number % 20}", f"copier {number}"))
    chained = words(rng).split()
    for number in range(300):
        chained[number % len(chained)] = chained[number % len(chained)][:-1] + rng.choice("abcdefghi")
        rows.append(example(6000 + number, " ".join(chained), f"i{number % 20}", f"chained {number}"))
    return rows


def real(folder: str) -> list[Example]:
    """Messages with their intents."""
    rows: list[Example] = []
    for path in sorted((DATA / folder).glob("train.*")):
        for row in read_rows(path):
            label = row.values.get("category") or row.values.get("intent") or row.values.get("label")
            rows.append(example(len(rows), str(row.values["text"]), str(label)))
    return rows


def leaks(train: Sequence[Example], held: Sequence[Example]) -> int:
    """Held-out rows with a user, a conversation or a near copy in training."""
    names = {name for one in train for name in (one.origin.user, one.origin.conversation) if name}
    places: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(train):
        for gram in grams(one.message):
            places[gram].append(at)
    found = 0
    for one in held:
        own = grams(one.message)
        shared = Counter(at for gram in own for at in places.get(gram, ()))
        near = any(
            n >= 0.8 * len(own) * 0.5 and alike(one.message, train[at].message) >= 0.8
            for at, n in shared.most_common(20)
        )
        found += near or one.origin.user in names or one.origin.conversation in names
    return found


def measured(rows: list[Example]) -> dict[str, Any]:
    """Our split, and a random one of single rows."""
    dataset = freeze(rows, FreezeSettings(), TASK)
    held = [*dataset.test, *dataset.validation]
    shuffled = list(rows)
    random.Random(0).shuffle(shuffled)
    cut = len(held)
    total = sum(len(dataset.part(split)) for split in Split)
    return {
        "rows": len(rows),
        "leaks": leaks(dataset.train, [replace(one) for one in held]),
        "test_share": round(len(dataset.test) / total, 4),
        "largest_group": dataset.card["largest_group"],
        "large_groups": dataset.card["large_groups"],
        "left_out": dataset.card["left_out"],
        "naive_leaks": leaks(shuffled[cut:], shuffled[:cut]),
    }


def main() -> None:
    """Print the JSON line."""
    sets = {"planted": planted(), "banking77": real("banking77_en"), "hwu64": real("hwu64_en")}
    found = {name: measured(rows) for name, rows in sets.items() if rows}
    keys = next(iter(found.values()))
    print(
        json.dumps(
            {
                "total_leaks": sum(one["leaks"] for one in found.values()),
                **{key: {name: one[key] for name, one in found.items()} for key in keys},
            }
        )
    )


if __name__ == "__main__":
    main()
