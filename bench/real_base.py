"""A real pretrained base on real intent sets: SmolLM2-135M-Instruct (4-bit GGUF from the package index), tuned where it lies.

    python -m bench.real_base [--only clinc-150,banking77] [--minutes 8] [--data ../shared/data]

clinc150's banking domain with 50, 150, 500 and 1,500 messages, banking77 and hwu64 with 10 messages a class, Home Assistant's Spanish
intents. Every run is `afina learn` on a training and a held-out file: the untuned base as its owner would ask it, the base with the
nearest examples in its prompt, TF-IDF + logistic regression, nearest message, the tuned model; all of models from the served file.
Prints a table on standard error and one JSON line: `acc_tuned_1500`, `acc_tfidf_1500`, `acc_tuned_150`, `acc_tfidf_150`, `acc_base` (of the
1,500), `acc_banking77`, `wins` of `sets` (clinc-1500, banking77, hwu64, ha-es: where the tuned point is above every baseline), `worst_gap`
(points under the best baseline, at most), `minutes_max` (of a tuning), and the arms of every run with 95 % intervals. Keys of runs that were left
out are null. About ten minutes a run.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier

Row = tuple[str, str]
TEST = 300


def clinc_banking(data: Path) -> tuple[list[Row], list[Row]]:
    """Training and held-out messages of the banking domain, as published: train, val."""
    parts = json.loads((data / "clinc150_en" / "data_full_train_val.json").read_text("utf-8"))
    intents = set(json.loads((data / "clinc150_en" / "domains.json").read_text("utf-8"))["banking"])
    train, held_out = ([(text, label) for text, label in parts[name] if label in intents] for name in ("train", "val"))
    return train, held_out


def banking77(data: Path) -> tuple[list[Row], list[Row]]:
    """Its training part, parted here."""
    with (data / "banking77_en" / "train.csv").open(encoding="utf-8", newline="") as file:
        return parted([(row["text"], row["category"]) for row in csv.DictReader(file)])


def hwu64(data: Path) -> tuple[list[Row], list[Row]]:
    """Scenario and intent as one label; labels with fewer than 20 messages are left out."""
    rows = [json.loads(line) for line in (data / "hwu64_en" / "train.jsonl").read_text("utf-8").splitlines()]
    return parted(frequent([(row["text"], f"{row['scenario']} {row['intent']}") for row in rows], 20))


def ha_spanish(data: Path) -> tuple[list[Row], list[Row]]:
    """Home Assistant's Spanish sentences; intents with fewer than 6 are left out."""
    lines = (data / "ha_intents" / "es_train.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return parted(frequent([(row["text"], row["intent"]) for row in rows], 6))


def frequent(rows: list[Row], least: int) -> list[Row]:
    """Rows of labels that have enough of them."""
    counts = {label: sum(other == label for _, other in rows) for label in {label for _, label in rows}}
    return [row for row in rows if counts[row[1]] >= least]


def parted(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Half to train on and half held out, every label in both."""
    groups = grouped(rows)
    return (
        [row for group in groups.values() for row in group[: (len(group) + 1) // 2]],
        [row for group in groups.values() for row in group[(len(group) + 1) // 2 :]],
    )


def grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by label, shuffled once for all."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in random.Random(0).sample(sorted(set(rows)), len(set(rows))):
        groups[row[1]].append(row)
    return dict(sorted(groups.items()))


def some(rows: Sequence[Row], count: int) -> list[Row]:
    """So many rows, the labels in turn: as even as they can be."""
    groups = list(grouped(rows).values())
    turns = [group[turn] for turn in range(max(map(len, groups))) for group in groups if turn < len(group)]
    return turns[:count]


SETS: dict[str, tuple[Callable[[Path], tuple[list[Row], list[Row]]], int, str]] = {
    "clinc-50": (clinc_banking, 50, "en"),
    "clinc-150": (clinc_banking, 150, "en"),
    "clinc-500": (clinc_banking, 500, "en"),
    "clinc-1500": (clinc_banking, 1500, "en"),
    "banking77": (banking77, 770, "en"),
    "hwu64": (hwu64, 640, "en"),
    "ha-es": (ha_spanish, 1000, "es"),
}
"""Name → its messages, how many to train on, their language."""
JUDGED = ("clinc-1500", "banking77", "hwu64", "ha-es")
"""One run of each set for `wins`."""


def write(rows: Sequence[Row], file: Path) -> Path:
    """As a CSV file."""
    with file.open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink).writerows([("text", "label"), *rows])
    return file


def run(name: str, data: Path, *, minutes: float, base: str, folder: Path, more: str = "") -> dict[str, Any]:
    """One set: the report's entry. `more`: further lines of the recipe."""
    rows_of, count, language = SETS[name]
    train, held_out = rows_of(data)
    recipe = folder / "recipe.toml"
    text = f'[task]\nkind = "classify"\nlanguage = "{language}"\n[evaluate]\nguards = []\n{more}'
    recipe.write_text(text, "utf-8")
    command = [
        *(sys.executable, "-m", "afina", "learn", "--label", "label", "--base", base, "--recipe", str(recipe)),
        *("--data", str(write(some(train, count), folder / f"{name}.csv"))),
        *("--test", str(write(some(held_out, TEST), folder / f"{name}-test.csv"))),
        *("--minutes", str(minutes), "--work", str(folder / "work"), "--json", str(folder / "report.json")),
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)
    entry: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))["tasks"][0]
    return {**entry, "nearest": lookup(some(train, count), some(held_out, TEST))}


def lookup(train: Sequence[Row], test: Sequence[Row]) -> float:
    """Accuracy of the label of the nearest message, by TF-IDF of words and of character n-grams, whichever is better."""
    texts, labels = [text for text, _ in train], [label for _, label in train]
    found = []
    for how in ({"ngram_range": (1, 2)}, {"analyzer": "char_wb", "ngram_range": (2, 5)}):
        vectors = TfidfVectorizer(sublinear_tf=True, **how)
        model = KNeighborsClassifier(1, metric="cosine").fit(vectors.fit_transform(texts), labels)
        found.append(model.score(vectors.transform([text for text, _ in test]), [label for _, label in test]))
    return float(max(found))


def arms(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Arm → share of right answers in percent, with its 95 % interval."""
    named = {"base": entry["base"], **entry["baselines"], "tuned": entry["tuned"]}
    shares = {name: {key: 100 * one[key] for key in ("score", "low", "high")} for name, one in named.items()}
    return shares | {"nearest": {"score": 100 * entry["nearest"]}}


def gap(run_arms: dict[str, dict[str, float]]) -> float:
    """Points of the tuned model over the best of all others."""
    return run_arms["tuned"]["score"] - max(one["score"] for name, one in run_arms.items() if name != "tuned")


def summary(entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures of the JSON line."""
    runs = {name: arms(entry) for name, entry in entries.items()}
    judged = [name for name in JUDGED if name in runs]
    tuned = {name: one["tuned"]["score"] for name, one in runs.items()}
    tfidf = {name: one["tfidf_logreg"]["score"] for name, one in runs.items()}
    return {
        "acc_tuned_1500": tuned.get("clinc-1500"),
        "acc_tfidf_1500": tfidf.get("clinc-1500"),
        "acc_tuned_150": tuned.get("clinc-150"),
        "acc_tfidf_150": tfidf.get("clinc-150"),
        "acc_base": runs["clinc-1500"]["base"]["score"] if "clinc-1500" in runs else None,
        "acc_banking77": tuned.get("banking77"),
        "wins": sum(gap(runs[name]) > 0 for name in judged),
        "sets": len(judged),
        "worst_gap": min((gap(runs[name]) for name in judged), default=None),
        "minutes_max": max(entry["seconds"]["train"] for entry in entries.values()) / 60,
        "runs": {name: {"arms": runs[name], "seconds": entry["seconds"]} for name, entry in entries.items()},
    }


def main() -> None:
    """All of them, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SETS), help="sets, by comma")
    parser.add_argument("--minutes", type=float, default=8, help="training time to plan for, each")
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1].parent / "shared" / "data")
    options = parser.parse_args()
    subprocess.run([sys.executable, "-m", "afina", "base", "pull", options.base], check=True, stdout=sys.stderr)
    runs = {}
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            runs[name] = run(name, options.data, minutes=options.minutes, base=options.base, folder=Path(folder))
        found = {arm: round(one["score"], 1) for arm, one in arms(runs[name]).items()}
        sys.stderr.write(f"{name}: {found}, {runs[name]['seconds']}\n")
    sys.stdout.write(json.dumps(summary(runs)) + "\n")


if __name__ == "__main__":
    main()
