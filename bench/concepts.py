"""How different are 200 concepts that no model has written?

    python -m bench.concepts [--count 200]

Prints one JSON line: `unique` (share that is no near copy of an earlier one, Jaccard index of 5-grams under 0.8), `distinct_2` (share of
the word pairs that are different ones; Li and others 2016), `domains` (of seven), `human_distinct_2` (the same of the 25 authored
concepts: fewer texts repeat fewer pairs, so `distinct_2_of_25` is that of 25 of ours), `seconds`.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from afina.flows.concepts import new_concepts, plain_concept
from afina.flows.role_space import open_space
from afina.synth.concepts import Concept, Wanted, diversity


def main() -> None:
    """Make and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        space = open_space("ba", Path(folder))
        began = time.perf_counter()
        found, _ = new_concepts(space, Wanted(count=options.count, languages=("en", "es")))
        seconds = time.perf_counter() - began
        human = [
            Concept(
                id=seed.id,
                text=plain_concept(seed.question),
                language=seed.language,
                domain=seed.domain,
                complexity=seed.complexity,
                audience=seed.audience,
                made_by="person",
            )
            for seed in space.role.seeds()
        ]
    told = diversity(found)
    spread = found[:: max(1, len(found) // len(human))][: len(human)]
    print(
        json.dumps(
            {
                "bench": "concepts",
                **told,
                "distinct_2_of_25": diversity(spread)["distinct_2"],
                "human_distinct_2": diversity(human)["distinct_2"],
                "seconds": round(seconds, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
