"""A fifth kind of task: one file for the kind, one for the recipe, and this test. No line of the program changes."""

import json
import random
from pathlib import Path

from afina.flows.learn import Lesson, learn
from afina.progress import Silent
from afina.settings import load_settings

KIND = '''
"""Answers in two capital letters: which team takes a message, and how urgent it is."""

import re

from afina.files import cell_text
from afina.ids import example_id
from afina.records import Example, Turn
from afina.tasks.kind import Kind, Said, right_answer
from afina.tasks.rules import empty_answer, too_short


def two_letters(example, task):
    return "" if re.fullmatch("[A-Z]{2}", example.answer) else "not two capital letters"


class Code(Kind):
    name = "code"
    rules = (too_short, empty_answer, two_letters)
    metrics = ("exact",)
    baselines = ("majority", "nearest")

    def said(self, task, path, row):
        yield Said(
            turns=(Turn("user", cell_text(path, row, "message")),), decision={"answer": cell_text(path, row, "code")}
        )

    def examples(self, task, exchange):
        right = right_answer(exchange)
        if right is not None:
            yield Example(
                id=example_id(exchange.id), turns=exchange.turns, answer=right, group=exchange.group, stratum=right
            )

    def prompt(self, task):
        return task.settings.prompt or "Two letters."


CODE = Code()
'''
RECIPE = """
about = "Messages to codes"
[task]
kind = "{kind}"
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
max_tokens = 8
[runtime]
context = 256
"""


def test_a_kind_is_one_file_and_a_recipe(tiny_model: Path, tmp_path: Path) -> None:
    """It is imported, curated by its own rule, frozen, trained, exported and judged like the four that come along."""
    (tmp_path / "code.py").write_text(KIND, "utf-8")
    recipe = RECIPE.format(kind=f"{tmp_path / 'code.py'}:CODE", base=tiny_model)
    machine = recipe.index("[runtime]")
    (tmp_path / "code.toml").write_text(recipe[:machine], "utf-8")
    (tmp_path / "afina.toml").write_text(f'recipe = "code.toml"\n{recipe[machine:]}', "utf-8")
    draw = random.Random(1)
    rows = [
        {
            "message": f"{draw.getrandbits(64):x} {draw.getrandbits(64):x}",
            "code": "AB" if n % 3 else "C!" if n % 2 else "CD",
        }
        for n in range(150)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    settings = load_settings(tmp_path, environment={})

    report = learn(Lesson(data=tmp_path / "data.jsonl", folder=tmp_path / "w"), settings, Silent())

    entry = report["tasks"][0]
    assert (entry["kind"], entry["metric"], entry["task"]) == ("code", "exact", "data")
    assert entry["rejected"] == {"not two capital letters": 25}
    assert set(entry["baselines"]) == {"majority", "nearest"}
    assert entry["baselines"]["majority"]["score"] > 0.6
    assert sum(entry["rows"].values()) == 125
