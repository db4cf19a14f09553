"""Do the automatic text metrics agree with people? On real answers of five systems that three people each rated from 1 to 5.

    python -m bench.metrics_people [--data DIR] [--resamples 500]

The data are DSTC11 track 5's human ratings (`dstc11_dialogues_en/human_ratings`): answer, reference, ratings of accuracy and
appropriateness. For every metric that compares an answer with a reference:

- `answers`: Spearman's rank correlation with an answer's mean rating, over all answers; 95 % interval from a bootstrap that draws
  dialogues, because the five systems answered the same ones;
- `same_question`: of two answers to one question that people rated differently, how often the metric prefers the same one (ties of
  the metric count half; 0.5 is chance);
- `systems`: Spearman's correlation over the five systems' means: five points, so no interval is worth printing.

`between_raters` is the same correlation between one rater and the mean of the two others: no metric can be asked for much more. A
metric that is equal for all answers (exact words: nobody repeats the reference) is `null`. Prints one JSON line with `rho_best`
(answers) and `n_ratings`; takes half a minute.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from afina.evaluate.metrics import METRICS
from afina.records import EvalItem, Turn

DATA = Path(__file__).parents[2] / "shared" / "data" / "dstc11_dialogues_en" / "human_ratings"
ASPECTS = ("accuracy", "appropriateness")
COMPARED = ("exact", "token_f1", "rouge_l", "chrf", "chrf_words", "length_ratio", "grounded_in_reference")
Numbers = NDArray[np.float64]


def read_ratings(folder: Path) -> list[dict[str, Any]]:
    """Every system's rated answers."""
    return [
        json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]


def score(metric: str, row: dict[str, Any]) -> float:
    """One answer under one metric."""
    reference = str(row["reference"])
    context = reference if metric == "grounded_in_reference" else ""
    item = EvalItem(id="", turns=(Turn("user", ""),), expected=reference, context=context)
    return METRICS["grounded" if context else metric].score(item, str(row["response"])) or 0.0


def mean_rating(row: dict[str, Any], aspect: str) -> float:
    """Mean of the raters; of both aspects for `overall`."""
    wanted = ASPECTS if aspect == "overall" else (aspect,)
    return float(np.mean([float(np.mean(row["ratings"][name])) for name in wanted]))


def interval(scores: Numbers, people: Numbers, groups: NDArray[np.int64], *, resamples: int) -> list[float]:
    """95 % percentile interval of the rank correlation; groups are drawn."""
    random = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = []
    for _ in range(resamples):
        rows = np.concatenate([members[at] for at in random.integers(0, len(members), len(members))])
        found.append(np.corrcoef(rankdata(scores[rows]), rankdata(people[rows]))[0, 1])
    return [round(float(edge), 3) for edge in np.nanpercentile(found, [2.5, 97.5])]


def same_question(scores: Numbers, people: Numbers, groups: NDArray[np.int64]) -> float:
    """Share of pairs of one question in which the metric agrees with people."""
    agreed = total = 0.0
    for group in np.unique(groups):
        for one, other in itertools.combinations(np.flatnonzero(groups == group), 2):
            if people[one] != people[other]:
                total += 1
                same = np.sign(scores[one] - scores[other]) * np.sign(people[one] - people[other])
                agreed += (same + 1) / 2
    return round(agreed / total, 3)


def agreement(values: Numbers, people: Numbers) -> float:
    """Spearman's rank correlation."""
    return round(float(spearmanr(values, people).statistic), 3)


def over_systems(values: Numbers, systems: list[str]) -> Numbers:
    """Mean by system, in the order of their names."""
    return np.array([values[[s == name for s in systems]].mean() for name in sorted(set(systems))])


def main() -> None:
    """Read, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--resamples", type=int, default=500)
    options = parser.parse_args()
    rows = read_ratings(options.data)
    if not rows:
        sys.exit(f"no ratings in {options.data}")
    groups = np.array([int(row["index"]) for row in rows], dtype=np.int64)
    systems = [str(row["system"]) for row in rows]
    people = {aspect: np.array([mean_rating(row, aspect) for row in rows]) for aspect in ("overall", *ASPECTS)}
    table: dict[str, dict[str, Any] | None] = {}
    for metric in COMPARED:
        values = np.array([score(metric, row) for row in rows])
        if np.ptp(values) == 0:
            table[metric] = None  # the same for every answer: there is no rank to compare
            continue
        table[metric] = {
            "answers": agreement(values, people["overall"]),
            "interval": interval(values, people["overall"], groups, resamples=options.resamples),
            **{aspect: agreement(values, people[aspect]) for aspect in ASPECTS},
            "same_question": same_question(values, people["overall"], groups),
            "systems": agreement(over_systems(values, systems), over_systems(people["overall"], systems)),
        }
        sys.stderr.write(f"{metric}: {table[metric]}\n")
    rho = {name: float(found["answers"]) for name, found in table.items() if found}
    order = sorted(rho, key=lambda name: rho[name])
    raters = [float(value) for row in rows for aspect in ASPECTS for value in row["ratings"][aspect]]
    found = {
        "rho_best": rho[order[-1]],
        "best": order[-1],
        "worst": order[0],
        "n_ratings": len(raters),
        "n_answers": len(rows),
        "between_raters": between_raters(rows),
    }
    sys.stdout.write(json.dumps({**found, "metrics": table}) + "\n")


def between_raters(rows: list[dict[str, Any]]) -> float:
    """How one rater agrees with the mean of the others (Spearman): no metric can be asked for much more."""
    first, others = [], []
    for row in rows:
        own = [(float(a) + float(b)) / 2 for a, b in zip(*(row["ratings"][aspect] for aspect in ASPECTS), strict=False)]
        if len(own) > 1:
            first.append(own[0])
            others.append(float(np.mean(own[1:])))
    return round(float(spearmanr(first, others).statistic), 3)


if __name__ == "__main__":
    main()
