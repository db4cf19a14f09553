"""A fifth kind of task: one file for the kind, one for the recipe, and this test. No line of the program changes."""

import json
import random
import re
from pathlib import Path

import pytest

from afina.flows.learn import Lesson, learn
from afina.progress import Silent
from afina.settings import load_settings

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "a-kind-of-your-own.md"
MACHINE = """
recipe = "rating.toml"
[base]
model = "{base}"
[train.training]
num_epochs = 1
batch_size = 32
gradient_accumulation_steps = 1
max_seq_length = 256
[evaluate]
guards = false
nearest = 0
[runtime]
context = 256
"""


def test_the_documented_kind_is_one_file_and_a_recipe(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's own code is imported, curated by its own rule, frozen, trained, exported and judged like the four that come along."""
    page = PAGE.read_text("utf-8")
    for name, language in (("rating.py", "python"), ("rating.toml", "toml")):
        block = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
        assert block is not None
        (tmp_path / name).write_text(block[1], "utf-8")
    (tmp_path / "afina.toml").write_text(MACHINE.format(base=tiny_model), "utf-8")
    draw = random.Random(1)
    rows = [
        {"review": f"{draw.getrandbits(64):x} {draw.getrandbits(64):x}", "stars": 5 if n % 3 else 9 if n % 2 else 1}
        for n in range(150)
    ]
    (tmp_path / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    monkeypatch.chdir(tmp_path)

    report = learn(
        Lesson(data=tmp_path / "reviews.jsonl", folder=tmp_path / "w"),
        load_settings(tmp_path, environment={}),
        Silent(),
    )

    entry = report["tasks"][0]
    assert (entry["kind"], entry["metric"], entry["task"]) == ("rating", "exact", "reviews")
    assert entry["rejected"] == {"not 1 to 5 stars": 25}
    assert set(entry["baselines"]) == {"majority", "tfidf_logreg"}
    assert entry["baselines"]["majority"]["score"] > 0.6
    assert sum(entry["rows"].values()) == 125
