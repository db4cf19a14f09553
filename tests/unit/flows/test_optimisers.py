"""The searches by name, and the environment that one of them needs."""

import subprocess
from pathlib import Path

import pytest

from afina.errors import RoleError
from afina.flows import optimisers
from afina.flows.optimisers import OPTIMISERS, by_mipro, dspy_python
from afina.flows.role_model import Ask, Reply
from afina.progress import Tell
from afina.synth.mipro import Fill
from afina.synth.program import Program
from afina.synth.search import Found, Search, search_by_reflection
from tests.unit.flows.role_models import told

SEARCH = Search(
    start=Program(role="ba", instructions="x"),
    train=[],
    validation=[],
    pool=[],
    attempt=lambda _p, _q: [],
    reflect=lambda _a, _s: "",
    calls=1,
)


def test_gepa_is_the_core() -> None:
    """It needs nothing but itself."""
    _, model = told(lambda _ask: Reply())
    assert OPTIMISERS["gepa"](model) is search_by_reflection


def test_the_same_model_answers_the_optimisers_own_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound by the fields that are asked for; what is no text is left out."""
    asked: list[Ask] = []

    def answer(ask: Ask) -> Reply:
        asked.append(ask)
        return Reply(text='{"proposed": "better", "number": 3}' if len(asked) == 1 else "no idea")

    filled: list[dict[str, str]] = []

    def search(one: Search, python: Path, fill: Fill, _tell: Tell) -> Found:
        filled.extend(fill("Propose.", {"type": "object"}, seed) for seed in (7, 8))
        assert python == Path("python-with-dspy")
        return Found(program=one.start, start=0, score=0)

    monkeypatch.setattr(optimisers, "dspy_python", lambda: Path("python-with-dspy"))
    monkeypatch.setattr(optimisers, "search_by_mipro", search)
    by_mipro(told(answer)[1])(SEARCH, lambda _done, _total, _note: None)
    assert filled == [{"proposed": "better"}, {}]
    assert asked[0].schema == {"type": "object"}
    assert asked[0].drawn is not None
    assert asked[0].drawn.seed == 7


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the user's cache; one that was interrupted is made anew."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path))
    ran: list[list[str]] = []

    def run(command: list[str], **_more: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    python = dspy_python()
    assert python == dspy_python()
    assert len(ran) == 2
    assert ran[1][-1] == optimisers.DSPY


def test_without_a_network_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command to run elsewhere, and the search that needs none; nothing half-made is taken for whole."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path))
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_more: subprocess.CompletedProcess(command, 1, "", "no index answers")
    )
    with pytest.raises(RoleError, match="no index answers") as error:
        dspy_python()
    assert "--optimizer gepa" in error.value.remedy
    assert not list(tmp_path.rglob("whole"))
