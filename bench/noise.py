"""Seven kinds of bad traffic: does the loop ever end below where it began? Beside it naive retraining on the same rows.

    python -m bench.noise [--base semilla] [--only KIND]

20 intents of clinc150. Before: a version tuned on 15 clean messages of each of 12 intents, in production. Then 360 reviewed messages about all 20
(a month), of which something is wrong:

    wrong labels      a third of the corrections are wrong
    loud user         one user gives half of the rows, and calls everything "balance"
    drift             three of four messages are about four new intents
    late evidence     two of five answers are accepted although they are wrong, thanks meant in irony; half of those are put right a week later
    duplicates        two of three rows are copies or near copies of ten messages, one of them with a wrong label
    poisoned answers  forty accounts say a word that means nothing and call whatever follows it the same wrong intent: a fifth of the rows
    too little data   24 rows

The loop gets four weeks; canaries meet 400 users, who judge by the truth. Naive retraining, as it is usually done, learns every row as it was
decided, with no curation, no held-out part that decides, no canary, and is put into production. Accuracy is of 300 clean messages about all 20
intents, answered by the served file; the untuned base is asked with its instructions and the labels of the last dataset.

Prints one JSON line: `below_base` (kinds in which what the loop has in production is worse than the untuned base), `below_start` (than the version
before), `promoted` (kinds in which it promoted something), `naive_below_base`, `naive_below_start`, `kinds` with every accuracy. "Worse" is more than
a point.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from afina.flows.curate import curate_project
from afina.flows.export import base_version, export_run
from afina.flows.freeze import freeze_project
from afina.flows.train import plan_training, train_run
from afina.progress import Silent, Stages
from bench.loop import week
from bench.world import Said, World, messages_of, world

INTENTS, AT_FIRST, EACH, ROWS = 20, 12, 15, 360
LEARNT, MET = 90, 105
POINT = 0.01
Pool = Mapping[str, list[str]]
Rows = tuple[list[Said], list[Said]]
"""What is reviewed at once, and what is decided anew a week later."""


def clean(pool: Pool, count: int, rng: random.Random, intents: Sequence[str] = ()) -> list[Said]:
    """Messages with their right labels."""
    rows = []
    for _ in range(count):
        intent = rng.choice([one for one in intents or list(pool) if pool[one]])
        rows.append(Said(user=f"writer {rng.randrange(300)}", text=pool[intent].pop(), truth=intent, decided=intent))
    return rows


def changed(row: Said, **what: Any) -> Said:
    """A row with something else."""
    return Said(
        **{
            "user": row.user,
            "text": row.text,
            "truth": row.truth,
            "decided": row.decided,
            "predicted": row.predicted,
            **what,
        }
    )


def another(row: Said, pool: Pool, rng: random.Random) -> str:
    """A wrong intent."""
    return rng.choice([one for one in pool if one != row.truth])


def wrong_labels(pool: Pool, rng: random.Random) -> Rows:
    """A third is wrong."""
    return [
        changed(row, decided=another(row, pool, rng)) if rng.random() < 1 / 3 else row for row in clean(pool, ROWS, rng)
    ], []


def loud_user(pool: Pool, rng: random.Random) -> Rows:
    """Half of one person, with one answer for everything."""
    one = next(iter(pool))
    return [
        changed(row, user="loud", decided=one) if number % 2 else row
        for number, row in enumerate(clean(pool, ROWS, rng))
    ], []


def drift(pool: Pool, rng: random.Random) -> Rows:
    """Mostly four new intents."""
    new = list(pool)[-4:]
    return [*clean(pool, ROWS * 3 // 4, rng, new), *clean(pool, ROWS // 4, rng)], []


def late_evidence(pool: Pool, rng: random.Random) -> Rows:
    """Wrong answers that were accepted; half of them are put right later."""
    rows = []
    for row in clean(pool, ROWS, rng):
        wrong = another(row, pool, rng)
        rows.append(changed(row, predicted=wrong, decided=wrong) if rng.random() < 0.4 else row)
    late = [changed(row, decided=row.truth) if row.decided != row.truth and rng.random() < 0.5 else row for row in rows]
    return rows, late


def duplicates(pool: Pool, rng: random.Random) -> Rows:
    """Ten messages again and again."""
    rows = clean(pool, ROWS // 3, rng)
    few = [changed(row, decided=another(row, pool, rng)) if at == 0 else row for at, row in enumerate(rows[:10])]
    for _ in range(ROWS * 2 // 3):
        row = rng.choice(few)
        text = row.text if rng.random() < 0.5 else f"{row.text} {rng.choice(('please', 'thanks', '!', 'now'))}"
        rows.append(changed(row, text=text, user=f"writer {rng.randrange(300)}"))
    return rows, []


def poisoned(pool: Pool, rng: random.Random) -> Rows:
    """A word that makes everything one intent."""
    target = list(pool)[1]
    return [
        changed(row, text=f"zarquon {row.text}", decided=target, user=f"account {rng.randrange(40)}")
        if number % 5 == 0
        else row
        for number, row in enumerate(clean(pool, ROWS, rng))
    ], []


def too_little(pool: Pool, rng: random.Random) -> Rows:
    """Hardly anything."""
    return clean(pool, 24, rng), []


KINDS: dict[str, Callable[[Pool, random.Random], Rows]] = {
    "wrong labels": wrong_labels, "loud user": loud_user, "drift": drift, "late evidence": late_evidence, "duplicates": duplicates,
    "poisoned answers": poisoned, "too little data": too_little,
}  # fmt: skip


def of_the_loop(kind: str, seed: int, options: Any) -> dict[str, Any]:
    """Four weeks of the loop."""
    rng = random.Random(seed)
    messages = messages_of(INTENTS)
    pool = {intent: texts[:LEARNT] for intent, texts in messages.items()}
    people = [(text, intent) for intent, texts in messages.items() for text in texts[LEARNT:MET]]
    test = [(text, intent) for intent, texts in messages.items() for text in texts[MET:]]
    before = clean(pool, EACH * AT_FIRST, rng, list(pool)[:AT_FIRST])
    rows, late = KINDS[kind](pool, rng)
    with world(base=options.base, minutes=options.minutes, rows=100) as living:
        living.review(before)
        living.turn()
        start = living.live()
        assert start is not None, [one.because for one in living.happened]
        found: dict[str, Any] = {"start": living.accuracy(start, test)}
        living.clock.move(days=7)
        living.review(rows)
        for number in range(4):
            if number == 1 and late:
                living.imports -= 1
                living.review(late)
            week(living, people, rng)
        live = living.live()
        assert live is not None
        base = base_version(living.project, living.project.ledger.dataset())
        found |= {
            "base": living.accuracy(base, test),
            "loop": living.accuracy(live, test),
            "promoted": live.id != start.id,
        }
        found["why"] = [
            one.numbers["because"] for one in living.happened if one.step == "evaluate" and one.outcome == "done"
        ]
        found["outcomes"] = [one.numbers.get("outcome") for one in living.happened if one.step == "evaluate"]
    with world(base=options.base, minutes=options.minutes, rows=100, naive=True) as naive:
        naive.review(before)
        naive.review(rows)
        if late:
            naive.imports -= 1
            naive.review(late)
        found["naive"] = naive_accuracy(naive, test)
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}


def naive_accuracy(living: World, test: Sequence[tuple[str, str]]) -> float:
    """Everything is learnt as it was decided, and put into production."""
    project, stages = living.project, Stages(Silent())
    curate_project(project, stages)
    dataset = freeze_project(project, stages)
    run = plan_training(project, dataset)
    train_run(project, run, stages, resume=False)
    return living.accuracy(export_run(project, stages, run=run), test)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="semilla")
    parser.add_argument("--minutes", type=float, default=0.6)
    parser.add_argument("--only", choices=list(KINDS))
    options = parser.parse_args()
    began, kinds = time.monotonic(), dict[str, Any]()
    for number, kind in enumerate(KINDS):
        if options.only in {None, kind}:
            kinds[kind] = of_the_loop(kind, number, options)
            print(json.dumps({kind: kinds[kind]}), flush=True)
    rows = list(kinds.values())
    print(
        json.dumps(
            {
                "bench": "noise",
                "base": options.base,
                "below_base": sum(row["loop"] < row["base"] - POINT for row in rows),
                "below_start": sum(row["loop"] < row["start"] - POINT for row in rows),
                "promoted": sum(row["promoted"] for row in rows),
                "naive_below_base": sum(row["naive"] < row["base"] - POINT for row in rows),
                "naive_below_start": sum(row["naive"] < row["start"] - POINT for row in rows),
                "kinds": kinds,
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
