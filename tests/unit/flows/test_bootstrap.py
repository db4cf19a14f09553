"""Steps of a bootstrap; the whole way is in tests/integration/flows/test_bootstrap.py."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from afina.errors import InputError, ModelError, NotEnoughDataError
from afina.flows import bootstrap
from afina.flows.boot import Boot, BootstrapOptions
from afina.flows.concepts import role_concept, write_concepts
from afina.flows.role_model import Reply
from afina.flows.role_space import open_space
from afina.flows.tune_prompt import Trial
from afina.progress import Silent, Stages, Tell, unheard
from afina.roles.role import packaged_folder
from afina.synth.concepts import Concept
from afina.synth.program import Program, read_program
from tests.unit.flows.role_models import space, told


def boot(folder: Path, role: str = "ba") -> Boot:
    """A bootstrap that says nothing: 10 questions, 20 and 30 examples."""
    options = BootstrapOptions(generations=(20, 30), questions=10, calls=40)
    own = Boot(space=space(folder, role), options=options, stages=Stages(Silent()))
    own.done["budget"] = {}
    return own


def test_too_few_questions_are_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role is asked what others wrote: with so many there are so many examples."""

    def few(*_: Any, **__: Any) -> list[Concept]:
        return [role_concept(f"c{at}", f"requirements: {at}") for at in range(60)]

    monkeypatch.setattr(bootstrap, "questions_for", few)
    with pytest.raises(NotEnoughDataError, match="there are 60 questions for po, 85 are needed") as caught:
        bootstrap.concepts_step(boot(tmp_path, "po"), ("en",), unheard)
    assert "--examples 13,20" in caught.value.remedy


@pytest.mark.parametrize(("score", "searches"), [(0.7, [(40, 10)]), (0.5, [(40, 10), (80, 20)])])
def test_a_base_that_scores_low_is_searched_for_twice_as_long(
    score: float, searches: list[tuple[int, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers for gepa, trials for MIPROv2; the role goes on with the prompt that it has."""
    asked: list[tuple[int, int]] = []

    def search(trial: Trial, _questions: Sequence[str], _optimise: Any, _tell: Tell) -> Program:
        asked.append((trial.options.calls, trial.options.trials))
        found = {"start": score, "score": score, "calls": 40, "malformed": 0, "confirming": 0, "p_value": 1.0}
        return Program(role="ba", instructions="Write.", found=found)

    own = boot(tmp_path)
    write_concepts(own.folder / "concepts.jsonl", [role_concept("c1", "requirements: 1")])
    monkeypatch.setattr(bootstrap, "tune_prompt", search)
    monkeypatch.setattr(bootstrap, "opened", lambda _boot, _source: own.stages.stage("model"))
    found = bootstrap.program_step(own, unheard)
    assert asked == searches
    assert bool(found["remedies"]) == (len(searches) == 2)
    assert own.program.is_file()
    assert not own.space.program.exists()


@pytest.mark.parametrize(("p_value", "taken"), [(0.02, True), (0.2, False)])
def test_a_prompt_whose_gain_may_be_chance_is_not_taken(
    p_value: float, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base goes on being asked as before; what was found stays beside, and the line says why."""
    found = {"start": 0.7, "score": 0.8, "calls": 40, "malformed": 0}
    found |= {"confirming": 6, "gain": 0.05, "p_value": p_value}
    program = Program(role="ba", instructions="Write.", found=found)
    own = boot(tmp_path)
    write_concepts(own.folder / "concepts.jsonl", [role_concept("c1", "requirements: 1")])
    monkeypatch.setattr(bootstrap, "tune_prompt", lambda *_: program)
    monkeypatch.setattr(bootstrap, "opened", lambda _boot, _source: own.stages.stage("model"))
    told = bootstrap.program_step(own, unheard)
    start = own.space.start_program().instructions
    assert read_program(own.program, role="ba").instructions == ("Write." if taken else start)
    beside = own.program.with_name("program-found.json")
    assert beside.is_file() != taken
    assert taken or read_program(beside, role="ba") == program
    assert told["taken"] == taken
    assert told["note"].endswith(
        f"on 6 others +0.050, p = {p_value:.3f}: " + ("better" if taken else "may be chance, not taken")
    )


def test_what_cannot_be_tuned_is_refused_first(tmp_path: Path) -> None:
    """Also with a limit of minutes, where no training is predicted; and hard cases that nobody could ask."""
    away = open_space("ba", tmp_path, {"base": {"model": "http://host/v1#m"}})
    with pytest.raises(ModelError, match="neither `semilla`"):
        bootstrap.bootstrap(Boot(space=away, options=BootstrapOptions(minutes=1), stages=Stages(Silent())))
    shutil.copytree(packaged_folder() / "ba", tmp_path / "roles" / "ba")
    (tmp_path / "roles" / "ba" / "stress.jsonl").write_text('{"id": "s1", "input": "Concept: an app"}\n')
    with pytest.raises(InputError, match="line 1: `case`: not given"):
        bootstrap.bootstrap(boot(tmp_path))
    row = '{"id": "s1", "case": "vague", "input": "Concept: an app"}\n'
    (tmp_path / "roles" / "ba" / "stress.jsonl").write_text(row * 2)
    with pytest.raises(InputError, match="line 2: the id 's1' is there twice"):
        bootstrap.bootstrap(boot(tmp_path))
    assert not (tmp_path / ".afina").exists()


def test_a_base_that_answers_nothing_is_refused_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its speed could not be measured either."""
    own = boot(tmp_path)
    silent = told(lambda _ask: Reply(error="the model did not answer (ReadTimeout)"))[1]

    class Opened:
        def __enter__(self) -> Any:
            return silent

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(bootstrap, "opened", lambda _boot, _source: Opened())
    monkeypatch.setattr(bootstrap, "expected_training", lambda _space, sizes: (sizes, 1.0, []))
    with pytest.raises(InputError, match=r"answers nothing: the model did not answer \(ReadTimeout\)"):
        bootstrap.budget(own, 15)
