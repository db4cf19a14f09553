"""The child that runs DSPy, with a stand-in for DSPy that has its shapes: what it says and what it understands of the pipe."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from afina.synth.mipro import CHILD

STANDIN = {
    "__init__.py": """
settings = {}
class Example(dict):
    __getattr__ = dict.__getitem__
    def __init__(self, **fields): super().__init__(fields)
    def with_inputs(self, *_names): return self
class Field:
    def __init__(self, name): self.json_schema_extra = {"desc": name}
class Signature:
    def __init__(self, text, instructions):
        given, out = text.split(" -> ")
        self.input_fields = {given: Field(given)}
        self.output_fields = {out: Field(out)}
        self.instructions = instructions
class Predict:
    def __init__(self, signature): self.signature, self.demos = signature, []
    def __call__(self, **inputs):
        found = settings["adapter"](settings["lm"], {}, self.signature, self.demos, inputs)[0]
        return type("Prediction", (), found)()
class Module:
    def __call__(self, **inputs): return self.forward(**inputs)
    def predictors(self): return [self.answer]
def configure(**more): settings.update(more)
""",
    "adapters/__init__.py": "",
    "adapters/base.py": "class Adapter:\n    pass\n",
    "clients/__init__.py": "",
    "clients/base_lm.py": "class BaseLM:\n    def __init__(self, name, cache): self.kwargs = {'rollout_id': 7}\n",
    "teleprompt.py": """
from dspy import Predict, Signature
print("noise of a library")
class MIPROv2:
    def __init__(self, metric, **options): self.metric, self.options = metric, options
    def compile(self, student, *, trainset, valset, **more):
        proposed = Predict(Signature("tip -> proposed", "Propose."))(tip="be brief")
        student.answer.signature.instructions = proposed.proposed
        student.answer.demos = [trainset[0]]
        score = self.metric(valset[0], student(question=valset[0].question))
        student.answer.signature.instructions += f" {score} of {self.options['num_candidates']}, {more['num_trials']} trials"
        return student
""",
}


def test_it_asks_its_parent_for_everything(tmp_path: Path) -> None:
    """Its own questions with their fields, the role's with instructions and examples, each score; what libraries print goes elsewhere."""
    for name, text in STANDIN.items():
        path = tmp_path / "dspy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    job = {
        "instructions": "Do it.",
        "pool": [["q0", "a0"]],
        "validation": ["v0"],
        "candidates": 8,
        "trials": 10,
        "most_examples": 6,
        "threads": 1,
        "threshold": 0.8,
        "seed": 0,
    }
    answers: dict[str, dict[str, Any]] = {
        "write": {"fields": {"proposed": "Do it well."}},
        "answer": {"text": "an answer"},
        "score": {"score": 0.5},
    }
    heard = []
    with subprocess.Popen(
        [sys.executable, str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        print(json.dumps(job), file=child.stdin, flush=True)
        for line in child.stdout:
            heard.append(json.loads(line))
            if heard[-1]["kind"] == "found":
                break
            print(json.dumps({**answers[heard[-1]["kind"]], "id": heard[-1]["id"]}), file=child.stdin, flush=True)
        child.stdin.close()
        child.wait(20)
    write, answer, score, found = heard
    assert write == {
        "kind": "write",
        "instructions": "Propose.",
        "given": {"tip": "be brief"},
        "fields": {"proposed": "proposed"},
        "draw": 7,
        "id": 1,
    }
    assert answer == {
        "kind": "answer",
        "instructions": "Do it well.",
        "examples": [["q0", "a0"]],
        "question": "v0",
        "id": 2,
    }
    assert score == {"kind": "score", "question": "v0", "answer": "an answer", "id": 3}
    assert found["instructions"] == "Do it well. 0.5 of 8, 10 trials"
    assert found["examples"] == [["q0", "a0"]]
