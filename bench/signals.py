"""How well does `afina score-turn` read the customer's next message? Document 003's own word lists beside it.

    python -m bench.signals [--data ../shared/data]

`bench/data/next_messages.jsonl`: 357 cases (es-CL, en) with quality 1–5 and success by the guide beside it; half of them were labelled by a
second reader who had not seen the first labels. Rules were written with the `dev` half in sight; `held_out` was only counted.

Prints one JSON line. Accuracy is over three classes, because they decide what is learnt: bad (1–2), nothing said (3), good (4–5): `accuracy`,
`accuracy_document`, `macro_f1`, and with `_held_out`; `exact` of the five steps; `success_accuracy`, `success_accuracy_document`; `agreement`:
share of the doubly labelled cases with the same class by both readers, `agreement_exact` with the same step. `rank_valence`: Spearman's
correlation of quality with the valence of `emotional_chile_es` (personal posts, no reactions: how far words alone carry),
`rank_valence_document`. `scored_per_s` on one core.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr
from sklearn.metrics import f1_score

from afina.signals import score_turn

CASES = Path(__file__).parent / "data" / "next_messages.jsonl"
DATA = Path(__file__).parents[2] / "shared" / "data"
DOCUMENT_QUALITY = (
    (5, r"\b(perfecto|excelente|genial|gracias|me gusta|lo quiero|voy a comprar)\b"),
    (4, r"\b(ok|bien|sí|si|dale|listo)\b"),
    (3, r"\b(más|info|detalles|cuéntame|explica)\b"),
    (2, r"\b(no entiendo|confuso|no sé|duda)\b"),
    (1, r"\b(no me sirve|no me gusta|no quiero|mal)\b"),
)
"""Document 003's lists in its order."""
DOCUMENT_SUCCESS = r"\b(comprar|pagar|link|método|voy a|lo quiero|me interesa)\b"
Scorer = Callable[[str, str, str], tuple[int, bool]]


def ours(user: str, bot: str, following: str) -> tuple[int, bool]:
    """Quality and success by this project's rules."""
    score = score_turn(user, bot, following)
    return score.quality, score.success


def document(_user: str, _bot: str, following: str) -> tuple[int, bool]:
    """Quality and success as document 003 has them; its boundaries are JavaScript's, of ASCII letters."""
    low = following.lower()
    quality = next((score for score, words in DOCUMENT_QUALITY if re.search(words, low, re.ASCII)), 3)
    return quality, bool(re.search(DOCUMENT_SUCCESS, low, re.ASCII))


def class_of(quality: int) -> str:
    """Bad, nothing said, good."""
    return "bad" if quality < 3 else "good" if quality > 3 else "none"


def measures(rows: Sequence[dict[str, Any]], scorer: Scorer) -> dict[str, float]:
    """Of some cases."""
    found = [scorer(row["user"], row["bot"], row["next"]) for row in rows]
    right = [class_of(row["quality"]) for row in rows]
    mine = [class_of(quality) for quality, _ in found]
    return {
        "accuracy": sum(a == b for a, b in zip(right, mine, strict=True)) / len(rows),
        "macro_f1": float(f1_score(right, mine, average="macro")),
        "exact": sum(row["quality"] == quality for row, (quality, _) in zip(rows, found, strict=True)) / len(rows),
        "success_accuracy": sum(row["success"] == ok for row, (_, ok) in zip(rows, found, strict=True)) / len(rows),
    }


def valence(path: Path, scorer: Scorer) -> float:
    """Rank correlation of quality with valence."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = spearmanr([scorer("", "", row["texto"])[0] for row in rows], [row["valencia"] for row in rows])
    return float(found.statistic)


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    rows = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    held = [row for row in rows if row["split"] == "held_out"]
    twice = [row for row in rows if "second" in row]
    result: dict[str, Any] = {"cases": len(rows), "labelled_twice": len(twice)}
    result |= measures(rows, ours)
    result |= {f"{name}_held_out": value for name, value in measures(held, ours).items()}
    result |= {f"{name}_document": value for name, value in measures(rows, document).items()}
    result["agreement"] = sum(class_of(r["quality"]) == class_of(r["second"][0]) for r in twice) / len(twice)
    result["agreement_exact"] = sum(r["quality"] == r["second"][0] for r in twice) / len(twice)
    posts = options.data / "emotional_chile_es" / "valencia_dataset.jsonl"
    result["rank_valence"], result["rank_valence_document"] = valence(posts, ours), valence(posts, document)
    began = time.process_time()
    for row in rows:
        score_turn(row["user"], row["bot"], row["next"])
    result["scored_per_s"] = round(len(rows) / (time.process_time() - began))
    sys.stdout.write(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in result.items()}) + "\n")


if __name__ == "__main__":
    main()
