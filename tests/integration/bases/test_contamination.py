"""No text of the shared data is in what the built-in base was trained on."""

import csv
import json
import random
from pathlib import Path

import pytest

from afina.bases.semilla.pretrain import plain_text
from afina.bases.semilla.sentences import read_lexicon


def grams(text: str, size: int = 13) -> set[tuple[str, ...]]:
    """Word 13-grams, case folded."""
    words = text.casefold().split()
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


@pytest.mark.shared
def test_no_13_gram_is_shared(shared_data: Path) -> None:
    """20,000 generated texts against all messages of the intent sets."""
    lexicon, rng = read_lexicon(), random.Random(11)
    generated: set[tuple[str, ...]] = set()
    for _ in range(20_000):
        generated |= grams(" ".join(t for t, _ in plain_text(lexicon, rng, lesson="mixture", prose_share=0.1)))
    with (shared_data / "banking77_en" / "train.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    for name in ("hwu64_en/train.jsonl", "ha_intents/es_train.jsonl", "ha_intents/en_train.jsonl"):
        texts += [json.loads(line)["text"] for line in (shared_data / name).read_text("utf-8").splitlines() if line]
    parts = json.loads((shared_data / "clinc150_en" / "data_full_train_val.json").read_text("utf-8"))
    texts += [text for rows in parts.values() for text, _ in rows]

    assert len(texts) > 38_000
    assert not generated & {gram for text in texts for gram in grams(text)}
