"""`afina learn` on three real intent sets as they are: the table of the README.

    python -m bench.learn [--minutes 5] [--data ../shared/data]

Prints one JSON line: for each set accuracy and macro-F1 with 95 % intervals of the tuned model, the untuned base and the
baselines, on held-out rows, and the seconds of every stage. All scores come from the served q8_0 file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = (
    ("banking77_en/train.csv", "category"),
    ("hwu64_en/train.jsonl", "scenario+intent"),
    ("ha_intents/es_train.jsonl", "intent"),
)


def learn(data: Path, label: str, *, minutes: float, folder: Path) -> dict[str, object]:
    """One set."""
    out = folder / "report.json"
    command = [
        sys.executable,
        "-m",
        "afina",
        "learn",
        "--data",
        str(data),
        "--label",
        label,
        "--minutes",
        str(minutes),
        "--work",
        str(folder / "work"),
        "--json",
        str(out),
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)
    entry: dict[str, object] = json.loads(out.read_text("utf-8"))["tasks"][0]
    kept = ("rows", "base", "baselines", "tuned", "verdict", "p_value", "tokens_per_s", "peak_rss_mb", "seconds")
    return {key: entry[key] for key in kept}


def main() -> None:
    """All sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="training time to plan for, each set")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1].parent / "shared" / "data")
    options = parser.parse_args()
    results = {}
    for name, label in SETS:
        with tempfile.TemporaryDirectory() as folder:
            results[name] = learn(options.data / name, label, minutes=options.minutes, folder=Path(folder))
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
