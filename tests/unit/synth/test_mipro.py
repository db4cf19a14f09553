"""Our side of the pipe to DSPy's MIPROv2; DSPy itself is run by `python -m bench.prompt_search`."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afina.errors import RoleError
from afina.synth import mipro
from afina.synth.program import Program
from afina.synth.search import Search, Tried

TALKS = """
import json, sys
job = json.loads(sys.stdin.readline())
def ask(number, message):
    print(json.dumps({**message, "id": number}), flush=True)
    return json.loads(sys.stdin.readline())
wrote = ask(1, {"kind": "write", "instructions": "Propose.", "given": {"tip": "be brief"}, "fields": {"proposed": "better"}, "draw": 3})
told = {"instructions": wrote["fields"]["proposed"], "examples": [["q0", "a0"]], "question": job["validation"][0]}
answer = ask(2, {"kind": "answer", **told})
score = ask(3, {"kind": "score", "question": told["question"], "answer": answer["text"]})
unknown = ask(4, {"kind": "score", "question": "never asked", "answer": "x"})
assert unknown["score"] == 0, unknown
print(json.dumps({"id": 0, "kind": "found", "instructions": told["instructions"] + str(score["score"]), "examples": told["examples"]}), flush=True)
"""
SILENT = "import sys; sys.stdin.readline(); print('Traceback: no such module', file=sys.stderr); sys.exit(1)"


def by_length(program: Program, questions: Sequence[str]) -> list[Tried]:
    """Longer instructions are better."""
    score = min(1.0, len(program.instructions) / 20)
    return [Tried(question=one, reply="an answer", score=score, scores={}, problems=[]) for one in questions]


SEARCH = Search(
    start=Program(role="ba", instructions="Do it."),
    train=["t"],
    validation=["v0", "v1"],
    pool=[("q0", "a0")],
    attempt=by_length,
    reflect=lambda _asked, _seed: "",
    calls=20,
)


def child(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in the child's place."""
    path = tmp_path / "child.py"
    path.write_text(code)
    monkeypatch.setattr(mipro, "CHILD", path)
    return Path(sys.executable)


def test_its_questions_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimiser's own by a schema of its fields, the role's by the search, scores from memory."""
    asked: list[tuple[str, Mapping[str, Any], int]] = []

    def fill(told: str, schema: Mapping[str, Any], seed: int) -> dict[str, str]:
        asked.append((told, schema, seed))
        return {"proposed": "Do it very well. "}

    found = mipro.search_by_mipro(SEARCH, child(TALKS, tmp_path, monkeypatch), fill)
    assert found.program.instructions == "Do it very well. 0.85"
    assert found.program.examples == (("q0", "a0"),)
    assert (found.start, found.score, found.calls, found.skipped) == (0.3, 1.0, 1, 0)
    assert "Propose." in asked[0][0]
    assert "be brief" in asked[0][0]
    assert asked[0][1]["required"] == ["proposed"]
    assert asked[0][2] == 3


def test_a_malformed_field_is_counted_and_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the instructions that there are: the optimiser goes on."""
    found = mipro.search_by_mipro(SEARCH, child(TALKS, tmp_path, monkeypatch), lambda _t, _s, _n: {})
    assert found.skipped == 1
    assert found.program.instructions == "Do it.0.3"


def test_a_budget_that_is_too_small_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes through the pool before its trials, whatever is asked for."""
    python = child(TALKS, tmp_path, monkeypatch)
    for calls in (9, 8):
        mipro.search_by_mipro(replace(SEARCH, calls=calls), python, lambda _t, _s, _n: {})
    assert [one.getMessage() for one in caplog.records] == [
        "MIPROv2 takes some 9 answers at least, 8 are asked for (--calls): it tries once"
    ]


def test_a_child_that_ends_without_a_result_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its last line, and the way that needs no DSPy."""
    with pytest.raises(RoleError, match="no such module") as error:
        mipro.search_by_mipro(SEARCH, child(SILENT, tmp_path, monkeypatch), lambda _t, _s, _n: {})
    assert "--optimizer gepa" in error.value.remedy


def test_what_our_side_raises_ends_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead model is not an optimiser's result."""

    def dies(program: Program, questions: Sequence[str]) -> list[Tried]:
        if program.examples:
            raise RuntimeError("the model is gone")
        return by_length(program, questions)

    python = child(TALKS, tmp_path, monkeypatch)
    with pytest.raises(RuntimeError, match="the model is gone"):
        mipro.search_by_mipro(replace(SEARCH, attempt=dies), python, lambda _t, _s, _n: {})
