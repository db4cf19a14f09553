"""How often does a canary end wrongly, and how many users meet a harmful one? Simulated traffic, looked at after every event.

    python -m bench.canary [--replays 2000]

A replay is a stream of 45,000 answers to 15,000 users (some of whom ask often), on a ramp of 1, 5, 20 and 50 %. One answer in 100 fails, latencies
are log-normal with slower and faster users, 30 % of the answers get a reaction that can be scored and 10 % feedback, of which 20 % are bad.
Equal versions: as they are; with feedback that comes late and three times as often from who is dissatisfied; with users who differ far more and a few
of whom ask most. Better: five points fewer bad reactions. Worse, each alone, the first also with late and biased feedback: five points more bad
reactions and feedback, half as much latency again, two points more errors: exactly the margins of the settings, where a wrong promotion is likeliest.

Beside it, on the same replays, with the same measures and the same alpha divided among the guardrails: one test after a fixed number of answers, the
smallest at which it finds the harm as often (at most 95 %); and a rule of a smallest sample: at 100 users of the canary Fisher's test decides, for
good.

Prints one JSON line. `aa_false_rollback_upper95`, `worse_promoted_upper95`: upper ends of Clopper and Pearson's interval (one-sided, 95 %) of the
worst of their cases; `harmed_median`: users who met a harmful canary, of all harms (`_fixed`, `_minimum`: of the other two rules);
`by_case`: everything by case.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import beta, fisher_exact, norm

from afina.release.canary import DRAWS, Events, Look, look
from afina.release.draws import Seen
from afina.release.measures import sample
from afina.settings import ReleaseSettings

RULES = ReleaseSettings(signals={})
USERS, EVENTS = 15_000, 45_000
STEPS = ((0.0, 0.01), (0.05, 0.05), (0.15, 0.2), (0.4, 0.5))
"""From which part of the stream on the canary has which share."""
FIXED = np.linspace(0.05, 1.0, 39)
"""Parts of the stream after which the fixed test may look."""
SMALLEST = 100
POWER = 0.95
"""How often the fixed test shall find a harm that is there: nobody plans one for certainty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of replay. What the canary adds: points of bad reactions, a factor of latency, points of errors."""

    name: str
    kind: str
    quality: float = 0.0
    latency: float = 1.0
    errors: float = 0.0
    late: bool = False
    unequal: bool = False


CASES = (
    Case(name="equal", kind="equal"),
    Case(name="equal, late and biased feedback", kind="equal", late=True),
    Case(name="equal, unequal users", kind="equal", unequal=True),
    Case(name="better", kind="better", quality=-0.05),
    Case(name="worse answers", kind="worse", quality=0.05),
    Case(name="worse answers, late and biased feedback", kind="worse", quality=0.05, late=True),
    Case(name="slower", kind="worse", latency=1.5),
    Case(name="more errors", kind="worse", errors=0.02),
)


def replay(case: Case, seed: int) -> Events:
    """One stream."""
    rng = np.random.default_rng(seed)
    weight = rng.pareto(1.05 if case.unequal else 2.0, USERS) + 0.2
    user = rng.choice(USERS, EVENTS, p=weight / weight.sum())
    place = rng.random(USERS)
    spread = 8.0 if not case.unequal else 1.0
    bad = rng.beta(0.2 * spread, 0.8 * spread, USERS)
    pace = rng.normal(0.0, 0.8 if case.unequal else 0.3, USERS)
    share = np.zeros(EVENTS)
    for since, part in STEPS:
        share[int(since * EVENTS) :] = part
    canary = place[user] < share
    chance = np.clip(bad[user] + np.where(canary, case.quality, 0.0), 0, 1)
    latency = 800 * np.exp(pace[user] + rng.normal(0.0, 0.5, EVENTS)) * np.where(canary, case.latency, 1.0)
    failed = rng.random(EVENTS) < 0.01 + np.where(canary, case.errors, 0.0)
    order = np.arange(EVENTS)

    def seen(rows: np.ndarray, value: np.ndarray, at: np.ndarray | None = None) -> Seen:
        at = rows if at is None else at
        by = np.argsort(at, kind="stable")
        rows, at = rows[by], at[by]
        return Seen(
            at=at.astype(np.int64),
            user=user[rows].astype(np.int64),
            canary=canary[rows],
            share=share[rows],
            value=value[rows].astype(float),
        )

    def heard(part: float) -> Seen:
        is_bad = rng.random(EVENTS) < chance
        odds = np.where(is_bad, 3.0, 1.0) * part / 1.4 if case.late else part
        rows = np.flatnonzero((rng.random(EVENTS) < odds) & ~failed)
        at = rows + rng.exponential(EVENTS * 0.03, len(rows)) if case.late else rows
        kept = at < EVENTS
        return seen(rows[kept], is_bad.astype(float), np.ceil(at[kept]))

    return {
        DRAWS: seen(order, np.zeros(EVENTS)),
        "errors": seen(order, failed.astype(float)),
        "latency": seen(order[~failed], latency),
        "implicit": heard(0.3),
        "feedback": heard(0.1),
    }


def decided(found: Look) -> tuple[str, int]:
    """How the canary ends, and at which event."""
    harmful, proven = found.harmful_at, found.proven_at
    if harmful is not None and (proven is None or harmful <= proven):
        return "rolled back", harmful
    return ("promoted", proven) if proven is not None else ("undecided", EVENTS)


def first_met(events: Events) -> np.ndarray:
    """At which event each user met the canary first, in order."""
    seen = events[DRAWS]
    places = np.flatnonzero(seen.canary)
    _, first = np.unique(seen.user[places], return_index=True)
    return np.sort(places[first])


def met(first: np.ndarray, until: int) -> int:
    """Users who met the canary up to an event."""
    return int(np.searchsorted(first, until, side="right"))


def fixed_tests(events: Events) -> list[bool]:
    """Whether one normal test would find a harm, after each of the fixed numbers of answers."""
    found = np.zeros(len(FIXED), dtype=bool)
    for name, margin in RULES.guardrails.items():
        one = sample(name, events[name], margin)
        count = np.searchsorted(one.at, FIXED * EVENTS)
        total, square = (
            np.concatenate([[0.0], np.cumsum(part)])[count] for part in (one.harm.value, one.harm.value**2)
        )
        mean = total / np.maximum(count, 1)
        error = np.sqrt(np.maximum(square / np.maximum(count, 1) - mean**2, 1e-12) / np.maximum(count, 1))
        found |= mean / error > norm.ppf(1 - RULES.alpha / len(RULES.guardrails))
    return [bool(one) for one in found]


def smallest_sample(events: Events) -> tuple[str, int]:
    """What a rule of a smallest sample decides: at 100 users of the canary, whatever is worse by Fisher's test rolls it back, else it is promoted."""
    seen = events[DRAWS]
    _, first = np.unique(np.where(seen.canary, seen.user, -1), return_index=True)
    places = np.sort(first)
    until = int(places[min(SMALLEST, len(places) - 1)])
    for name in ("errors", "feedback", "implicit"):
        rows = events[name].at <= until
        value, canary = events[name].value[rows], events[name].canary[rows]
        table = [[value[side].sum(), (1 - value[side]).sum()] for side in (canary, ~canary)]
        if fisher_exact(table, alternative="greater").pvalue < RULES.alpha:
            return "rolled back", until
    slow = [
        np.quantile(events["latency"].value[(events["latency"].at <= until) & side], 0.95)
        for side in (events["latency"].canary, ~events["latency"].canary)
    ]
    return ("rolled back" if slow[0] > RULES.guardrails["latency"] * slow[1] else "promoted"), until


def one_replay(job: tuple[Case, int]) -> dict[str, Any]:
    """Everything that is counted of a replay."""
    case, seed = job
    events = replay(case, seed)
    found = look(events, RULES, intervals=False)
    end, at = decided(found)
    small, small_at = smallest_sample(events)
    first = first_met(events)
    return {
        "end": end,
        "met": met(first, EVENTS if end == "promoted" else at),
        "harm_ever": found.harmful_at is not None,
        "at": at / EVENTS,
        "fixed": fixed_tests(events),
        "fixed_met": [met(first, int(part * EVENTS)) for part in FIXED],
        "small": small,
        "small_met": met(first, EVENTS if small == "promoted" else small_at),
    }


def upper(count: int, of: int) -> float:
    """Clopper and Pearson's one-sided upper end, 95 %."""
    return 1.0 if count == of else round(float(beta.ppf(0.95, count + 1, of - count)), 4)


def summary(case: Case, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A case's counts."""
    total = len(rows)
    ends = [row["end"] for row in rows]
    gone = ends.count("rolled back") / total
    power = np.mean([row["fixed"] for row in rows], axis=0)
    enough = np.flatnonzero(power >= min(gone, POWER, power.max()))
    horizon = int(enough[0]) if len(enough) else len(FIXED) - 1
    fixed = [row["fixed_met"][horizon] if row["fixed"][horizon] else row["fixed_met"][-1] for row in rows]
    return {
        "kind": case.kind,
        "rolled_back": gone,
        "promoted": ends.count("promoted") / total,
        "undecided": ends.count("undecided") / total,
        "rollback_upper95": upper(sum(row["harm_ever"] for row in rows), total),
        "promoted_upper95": upper(ends.count("promoted"), total),
        "median_part_of_stream": round(median(row["at"] for row in rows), 3),
        "harmed": [row["met"] for row in rows],
        "harmed_fixed": fixed,
        "fixed_part_of_stream": float(FIXED[horizon]),
        "fixed_power": float(power[horizon]),
        "harmed_minimum": [row["small_met"] for row in rows],
        "minimum_rolled_back": sum(row["small"] == "rolled back" for row in rows) / total,
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replays", type=int, default=2000)
    replays = parser.parse_args().replays
    began = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        found = {}
        for number, case in enumerate(CASES):
            jobs = [(case, 1_000_000 * number + seed) for seed in range(replays)]
            found[case.name] = summary(case, list(pool.map(one_replay, jobs, chunksize=20)))
    worse = [one for one in found.values() if one["kind"] == "worse"]
    lists = {
        name: [value for one in worse for value in one.pop(name)]
        for name in ("harmed", "harmed_fixed", "harmed_minimum")
    }
    for one in found.values():
        for name in lists:
            one.pop(name, None)
    print(
        json.dumps(
            {
                "bench": "canary",
                "replays": replays,
                "alpha": RULES.alpha,
                "aa_false_rollback_upper95": max(
                    one["rollback_upper95"] for one in found.values() if one["kind"] == "equal"
                ),
                "worse_promoted_upper95": max(one["promoted_upper95"] for one in worse),
                "better_promoted": found["better"]["promoted"],
                "harmful_gone": min(one["rolled_back"] for one in worse),
                "harmed_median": median(lists["harmed"]),
                "harmed_median_fixed": median(lists["harmed_fixed"]),
                "harmed_median_minimum": median(lists["harmed_minimum"]),
                "minimum_promotes_worse": max(1 - one["minimum_rolled_back"] for one in worse),
                "minimum_rolls_back_equal": max(
                    one["minimum_rolled_back"] for one in found.values() if one["kind"] == "equal"
                ),
                "by_case": found,
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
