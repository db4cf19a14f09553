"""How many wrong labels are found by looking at the most doubtful tenth?

    python -m bench.suspects [--share 0.05] [--seeds 3]

Of banking77, clinc150 and the demo's sample (topics) so many labels are flipped to another class; every row is ranked by `afina suspects`.
Prints one JSON line: `found_top10` by set (mean over seeds), its `spread`, `found_doubted` (share of the flips that are called suspects),
`precision_doubted` (share of suspects that are flips; the sets have wrong labels of their own), `seconds`.
"""

import argparse
import csv
import json
import random
import statistics
import time
from importlib import resources
from pathlib import Path
from typing import Any

from afina.curate.suspects import rank_labels

DATA = Path(__file__).parents[2] / "shared" / "data"
Labelled = tuple[list[str], list[str]]


def banking77() -> Labelled:
    """Customer messages, 77 intents."""
    with (DATA / "banking77_en" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def clinc150() -> Labelled:
    """150 intents."""
    raw = json.loads((DATA / "clinc150_en" / "data_full_train_val.json").read_text("utf-8"))
    rows = [tuple(row) for part in raw.values() for row in part]
    return [text for text, _ in rows], [label for _, label in rows]


def sample() -> Labelled:
    """The demo's corrections: the topics."""
    text = resources.files("afina").joinpath("demo", "sample", "corrections.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return [row["text"] for row in rows], [row["topic"] for row in rows]


def measured(data: Labelled, share: float, seed: int) -> dict[str, float]:
    """One set with one draw of flips."""
    texts, labels = data
    rng = random.Random(seed)
    classes = sorted(set(labels))
    flipped = set(rng.sample(range(len(labels)), round(share * len(labels))))
    given = [
        rng.choice([one for one in classes if one != label]) if at in flipped else label
        for at, label in enumerate(labels)
    ]
    began = time.monotonic()
    ranked = rank_labels(texts, given)
    seconds = time.monotonic() - began
    top = {one.row for one in ranked[: len(labels) // 10]}
    doubted = {one.row for one in ranked if one.doubted}
    return {
        "top10": len(top & flipped) / len(flipped),
        "doubted": len(doubted & flipped) / len(flipped),
        "precision": len(doubted & flipped) / max(1, len(doubted)),
        "seconds": seconds,
    }


def main() -> None:
    """Print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, Any] = {
        name: {} for name in ("found_top10", "spread", "found_doubted", "precision_doubted", "seconds", "rows")
    }
    for name, read in (("banking77", banking77), ("clinc150", clinc150), ("sample", sample)):
        data = read()
        runs = [measured(data, options.share, seed) for seed in range(options.seeds)]
        top = [run["top10"] for run in runs]
        found["found_top10"][name] = round(statistics.mean(top), 3)
        found["spread"][name] = [round(min(top), 3), round(max(top), 3)]
        found["found_doubted"][name] = round(statistics.mean(run["doubted"] for run in runs), 3)
        found["precision_doubted"][name] = round(statistics.mean(run["precision"] for run in runs), 3)
        found["seconds"][name] = round(statistics.median(run["seconds"] for run in runs), 1)
        found["rows"][name] = len(data[0])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
