"""Requests at once on a key that pays for a few: how many are let through?

    python -m bench.limits [--requests 50] [--paid 10] [--rounds 20]

Each of `--requests` threads sets aside the same number of tokens of one key, whose budget is enough for `--paid` of them, in a transaction
of its own. Prints one JSON line: `allowed`, `admitted` (most in a round; more than allowed is the fault of litellm's PR 40002), `least`
(fewest), `rounds`, and milliseconds of one reservation, median.
"""

import argparse
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from afina.serve.keys import LimitReachedError, Limits, NewKey, Scope, add_key, reserve
from afina.store.access import client_session
from bench.database import database

TOKENS = 100


def admitted(dsn: str, *, name: str, requests: int, paid: int) -> tuple[int, list[float]]:
    """How many of one round pass, and what each took in milliseconds."""
    with client_session(dsn, "bench") as session:
        key, _ = add_key(session, NewKey(name=name, scopes=[Scope.CHAT], limits=Limits(tokens_per_day=paid * TOKENS)))

    def one(_: int) -> tuple[bool, float]:
        began = time.perf_counter()
        try:
            with client_session(dsn, "bench") as session:
                reserve(session, key, tokens=TOKENS)
            passed = True
        except LimitReachedError:
            passed = False
        return passed, (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(requests) as pool:
        found = list(pool.map(one, range(requests)))
    return sum(passed for passed, _ in found), [took for _, took in found]


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--paid", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    passed, took = [], []
    with database(connections=options.requests) as dsn:
        for number in range(options.rounds):
            count, times = admitted(dsn, name=f"key {number}", requests=options.requests, paid=options.paid)
            passed.append(count)
            took += times
    found = {
        "allowed": options.paid,
        "admitted": max(passed),
        "least": min(passed),
        "rounds": options.rounds,
        "p50_ms": round(statistics.median(took), 2),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
