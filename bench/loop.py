"""A simulated year of the loop: a clock that is moved, intents that come up month by month, one month of wrong corrections.

    python -m bench.loop [--base semilla] [--minutes 0.6]

Messages of 20 intents of clinc150. In January people write about 8 of them, every month about one more, mostly about the newest; 60 to 170 messages a
month are reviewed. In July three of five corrections are wrong. The loop looks once a week: it curates, freezes when there is enough that is new,
trains, exports, judges, starts a canary, and promotes it or rolls it back by what its users say (400 a week, one message each, answered by the served
files, judged by the truth). Nothing is done by hand.

Prints one JSON line: `trained`, `promoted` (the first version, which meets nobody before, included), `rolled_back`, `skipped` (times that it was
written down that there is not enough), `bad_month_promoted` (versions of which July's corrections are the news, that came into production), `first`,
`last` (share of 300 clean messages of all 20 intents that the first and the last version in production have right), `last_minus_first`,
`forgetting` (general questions: points of the last version over the untuned base), `months` (intents, accuracy of what is in production).
"""

import argparse
import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from afina.flows.rollouts import history
from afina.records import ModelVersion
from bench.world import Said, World, messages_of, world

INTENTS, AT_FIRST = 20, 8
MONTHS = (170, 60, 150, 160, 80, 170, 170, 150, 60, 170, 150, 160)
"""Reviewed messages."""
BAD_MONTH, WRONG = 7, 0.6
LEARNT, MET = 90, 105
"""Of each intent's 120 messages the first are written and reviewed, the next are what canaries are asked, the last are the clean test."""


def month_of(month: int, count: int, pool: Mapping[str, list[str]], rng: random.Random) -> list[Said]:
    """What is reviewed in a month: half about any intent that is known by then, half about the three newest."""
    known = list(pool)[: min(INTENTS, AT_FIRST + month - 1)]
    rows = []
    for number in range(count):
        intent = rng.choice(known if number % 2 else known[-3:])
        wrong = month == BAD_MONTH and rng.random() < WRONG
        decided = rng.choice([one for one in known if one != intent]) if wrong else intent
        text = pool[intent].pop() if pool[intent] else ""
        if text:
            rows.append(Said(user=f"writer {rng.randrange(400)}", text=text, truth=intent, decided=decided))
    return rows


def week(living: World, people: Sequence[tuple[str, str]], rng: random.Random) -> None:
    """Seven days: the loop's turn, and users before the canary, if there is one."""
    living.clock.move(days=7)
    living.turn()
    canary = living.canary()
    if canary is not None:
        living.clock.move(hours=1)
        living.meet(canary, rng.choices(people, k=400))
        living.turn()


def forgetting(living: World, version: ModelVersion) -> float:
    """Points of general questions that a version has right over the base, from its verdict."""
    verdict = living.project.ledger.verdict(version.id)
    arms = {arm.name: arm.scores for arm in verdict.arms} if verdict else {}
    own, base = arms.get("tuned", {}), arms.get("base", {})
    names = [name for name in own if name.startswith("forgetting/") and name.endswith("rules") and name in base]
    return round(sum(100 * (own[name].score - base[name].score) for name in names), 2)


def year(living: World) -> dict[str, Any]:
    """Twelve months."""
    rng = random.Random(0)
    messages = messages_of(INTENTS)
    pool = {intent: texts[:LEARNT] for intent, texts in messages.items()}
    people = [(text, intent) for intent, texts in messages.items() for text in texts[LEARNT:MET]]
    test = [(text, intent) for intent, texts in messages.items() for text in texts[MET:]]
    known: dict[str, float] = {}
    first, bad, months = None, set[str](), []
    for month, count in enumerate(MONTHS, start=1):
        before = {version_of(one) for one in living.happened}
        living.review(month_of(month, count, pool, rng))
        seen = list(messages)[: min(INTENTS, AT_FIRST + month - 1)]
        for _ in range(4):
            week(living, [one for one in people if one[1] in seen], rng)
        if month == BAD_MONTH:
            bad = {version_of(one) for one in living.happened} - before
        live = living.live()
        first = first or live
        if live is not None and live.name not in known:
            known[live.name] = living.accuracy(live, test)
        months.append(
            {
                "intents": len(seen),
                "version": live.name if live else "",
                "accuracy": round(known[live.name], 3) if live else None,
            }
        )
        print(json.dumps(months[-1]), flush=True)
        living.clock.move(days=2)
    live = living.live()
    assert live is not None
    assert first is not None
    moves = history(living.project)
    promoted = [
        row["name"] for row in moves if row["to_state"] == "production" and row["from_state"] in {None, "canary"}
    ]
    return {
        "trained": sum(one.step in {"train", "resume"} and one.outcome == "done" for one in living.happened),
        "promoted": len(promoted),
        "rolled_back": sum(row["to_state"] == "rolled_back" for row in moves),
        "skipped": sum(one.step == "skip" and "not enough new evidence" in one.because for one in living.happened),
        "failed": [one.because for one in living.happened if one.outcome == "failed"],
        "bad_month_promoted": len(bad & set(promoted)),
        "verdicts": [
            one.numbers["outcome"] for one in living.happened if one.step == "evaluate" and one.outcome == "done"
        ],
        "first": round(known[first.name], 4),
        "last": round(known[live.name], 4),
        "last_minus_first": round(known[live.name] - known[first.name], 4),
        "forgetting": forgetting(living, live),
        "months": months,
    }


def version_of(happened: Any) -> str:
    """The version that a step made."""
    return str(happened.numbers.get("version", "")) if happened.step == "export" else ""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="semilla")
    parser.add_argument("--minutes", type=float, default=0.6)
    options = parser.parse_args()
    began = time.monotonic()
    with world(base=options.base, minutes=options.minutes, rows=200) as living:
        found = year(living)
    print(json.dumps({"bench": "loop", "base": options.base, **found, "seconds": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
