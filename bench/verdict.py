"""Can the verdict be trusted? Simulated comparisons whose truth is known.

    python -m bench.verdict [--comparisons 8000] [--power 2000]

Two arms with one score each per item; the items' difficulty is common to both (correlation drawn from 0.3 to 0.8). A/A: both arms
are equally good, 300 items: right-or-wrong scores, graded ones, graded ones in conversations of one to eight items that share
their luck, and three metrics at once. Boundary: B is better by exactly the minimum effect (10 % of A's score), or by a lot while a
guard is worse by exactly its margin; both must not be promoted. Power: gains of 2, 5 and 10 points at 100, 300 and 1,000 right-
or-wrong items, beside exact McNemar, the unpaired z-test and "the higher mean wins". Prints one JSON line: `alpha`, `aa_rate` and
`aa_upper95` (the worst kind), `boundary_rate` (the worst), `power_*`.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import binomtest, norm

from afina.records import Outcome, Policy
from afina.verdict.compare import Numbers, Pairs, p_better
from afina.verdict.decide import decide

ALPHA = 0.05
ITEMS = 300
EFFECT, MARGIN = 0.10, 0.05
BASE = 0.6
SPREAD = 0.6
"""Standard deviation of graded scores before they are pressed into 0 to 1."""
Drawn = tuple[list[Pairs], Policy]


def latent(rng: np.random.Generator, n: int, count: int = 2) -> Numbers:
    """Standard normal (count, n), any two rows with the same correlation from 0.3 to 0.8: the items' difficulty."""
    rho = rng.uniform(0.3, 0.8)
    u: Numbers = np.sqrt(rho) * rng.normal(size=n) + np.sqrt(1 - rho) * rng.normal(size=(count, n))
    return u


def right(u: Numbers, rate: float) -> Numbers:
    """Right or wrong with this rate."""
    scores: Numbers = (u < norm.ppf(rate)).astype(np.float64)
    return scores


def graded(u: Numbers, mean: float) -> Numbers:
    """Scores between 0 and 1 with this mean, skewed away from the middle: E Φ(m + s·u) = Φ(m / √(1 + s²))."""
    return np.asarray(norm.cdf(norm.ppf(mean) * np.sqrt(1 + SPREAD**2) + SPREAD * u), dtype=np.float64)


def alone(n: int) -> Any:
    """Every item a group of its own."""
    return np.arange(n)


def of(name: str, score: Callable[[Numbers, float], Numbers], u: Numbers, b: float) -> Pairs:
    """A metric whose true means are BASE and b."""
    return Pairs(metric=name, a=score(u[0], BASE), b=score(u[1], b), groups=alone(u.shape[1]))


def conversations(rng: np.random.Generator, n: int) -> tuple[Numbers, Any]:
    """Latent scores of which each arm's luck in a conversation is shared by its items."""
    sizes = rng.integers(1, 9, size=n)
    groups = np.repeat(np.arange(n), sizes)[:n]
    luck = rng.normal(size=(2, n))[:, groups]
    return np.sqrt(0.4) * luck + np.sqrt(0.6) * latent(rng, n), groups


def draw(kind: str, rng: np.random.Generator) -> Drawn:
    """One comparison of a kind that must not be a go."""
    u, score = latent(rng, ITEMS), right if kind.endswith("right or wrong") else graded
    if kind == "aa conversations":
        v, groups = conversations(rng, ITEMS)
        return [Pairs(metric="m", a=graded(v[0], BASE), b=graded(v[1], BASE), groups=groups)], Policy()
    if kind == "aa three metrics":
        other = (u + latent(rng, ITEMS)) / np.sqrt(2)
        return [of("x", right, u, BASE), of("y", graded, u, BASE), of("z", graded, other, BASE)], Policy()
    if kind.startswith("aa"):
        return [of("m", score, u, BASE)], Policy()
    if kind.startswith("effect"):
        return [of("m", score, u, BASE * (1 + EFFECT))], Policy(minimum_effect=EFFECT)
    guard = of("guard", score, latent(rng, ITEMS), BASE - MARGIN)
    return [of("m", graded, u, BASE + 0.2), guard], Policy(guards={"guard": MARGIN})


def is_go(kind: str, seed: int) -> bool:
    """Whether one comparison is promoted."""
    metrics, policy = draw(kind, np.random.default_rng(seed))
    return decide(metrics, policy).outcome is Outcome.GO


def point_rule(seed: int) -> bool:
    """The laxer rule: better at all (tested), and the observed gain is at least the minimum effect (not tested)."""
    (pairs,), _ = draw("effect right or wrong", np.random.default_rng(seed))
    return p_better(pairs) < ALPHA and float(pairs.b.mean()) >= (1 + EFFECT) * float(pairs.a.mean())


def powers(n: int, gain: float, seed: int) -> tuple[bool, bool, bool, bool]:
    """Who sees a planted gain: ours, exact McNemar, the unpaired z-test, the higher mean."""
    u = latent(np.random.default_rng(seed), n)
    pairs = of("m", right, u, BASE + gain)
    wins, losses, _ = pairs.table()
    mcnemar = wins + losses > 0 and float(binomtest(wins, wins + losses, alternative="greater").pvalue) < ALPHA
    a, b = float(pairs.a.mean()), float(pairs.b.mean())
    error = float(np.sqrt((a * (1 - a) + b * (1 - b)) / n))
    unpaired = error > 0 and float(norm.sf((b - a) / error)) < ALPHA
    return decide([pairs], Policy()).outcome is Outcome.GO, mcnemar, unpaired, b > a


def rate(outcomes: Iterable[bool]) -> dict[str, float]:
    """Share, and the upper end of its one-sided exact 95 % interval (Clopper & Pearson 1934)."""
    found = list(outcomes)
    upper = binomtest(sum(found), len(found), alternative="less").proportion_ci(0.95).high
    return {"rate": round(sum(found) / len(found), 4), "upper95": round(float(upper), 4), "n": len(found)}


def main() -> None:
    """Simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=8000, help="of each kind")
    parser.add_argument("--power", type=int, default=2000, help="of each gain and size")
    options = parser.parse_args()
    seeds, found = range(options.comparisons), {}
    kinds = [
        *(f"aa {name}" for name in ("right or wrong", "graded", "conversations", "three metrics")),
        *(f"{what} {name}" for what in ("effect", "margin") for name in ("right or wrong", "graded")),
    ]
    power: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for kind in kinds:
            found[kind] = rate(pool.map(partial(is_go, kind), seeds, chunksize=100))
            sys.stderr.write(f"{kind}: {found[kind]}\n")
        lax = rate(pool.map(point_rule, seeds, chunksize=100))
        for n in (100, 300, 1000):
            for points in (2, 5, 10):
                seen = list(pool.map(partial(powers, n, points / 100), range(options.power), chunksize=100))
                shares = [round(sum(one[at] for one in seen) / len(seen), 4) for at in range(4)]
                power[f"{points} points, n {n}"] = dict(
                    zip(("ours", "mcnemar", "unpaired z", "higher mean"), shares, strict=True)
                )
                sys.stderr.write(f"{points} points, n {n}: {shares}\n")
    aa = [found[kind] for kind in kinds if kind.startswith("aa")]
    edge = [found[kind] for kind in kinds if not kind.startswith("aa")]
    ten = power["10 points, n 300"]
    report = {
        "alpha": ALPHA,
        "aa_rate": max(one["rate"] for one in aa),
        "aa_upper95": max(one["upper95"] for one in aa),
        "boundary_rate": max(one["rate"] for one in edge),
        "boundary_upper95": max(one["upper95"] for one in edge),
        "boundary_rate_point_rule": lax["rate"],
        "power_10pt_n300": ten["ours"],
        "power_mcnemar_10pt_n300": ten["mcnemar"],
        "power_unpaired_10pt_n300": ten["unpaired z"],
        "kinds": found,
        "power": power,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
