"""A role at work, and the chain."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from afina.errors import InputError, RoleError, RuntimeFailedError
from afina.flows import role_run
from afina.flows.role_model import Ask, Reply
from afina.flows.role_run import Chain, Worker, answer_of, concept_question, run_chain, work, worker_of, write_artifact
from afina.flows.role_space import open_space
from afina.progress import Silent, Stages
from afina.roles import find_role
from tests.unit.flows.role_models import gone, space, told

SEEDS = {name: find_role(name, project=Path()).seeds() for name in ("ba", "po", "architect", "dev", "qa")}
GOOD = SEEDS["ba"][0]
ARTIFACTS = {"requirements", "product", "architecture", "code", "tests"}


def worker(folder: Path) -> Worker:
    """The analyst with the base."""
    return worker_of(space(folder), "semilla")


def test_a_good_answer_is_taken(tmp_path: Path) -> None:
    """The first one; it was bound by the role's schema, without our own notes in it."""
    model, asked = told(lambda _ask: Reply(text=GOOD.text, seconds=2.0))
    found = work(worker(tmp_path), asked, [GOOD.question])
    assert found.artifact == GOOD.answer
    assert (found.tries, found.seconds, found.score > 0.9) == (1, 2.0, True)
    assert model.asks[0].schema is not None
    assert "x-covers" not in model.asks[0].schema
    assert model.asks[0].turns[-1].content == GOOD.question


def test_a_bad_answer_is_asked_for_once_more_with_the_reasons(tmp_path: Path) -> None:
    """The model reads what it wrote and what is wrong with it."""
    bad = json.dumps({**GOOD.answer, "title": "No"})

    def answer(ask: Ask) -> Reply:
        return Reply(text=GOOD.text if len(ask.turns) > 2 else bad)

    model, asked = told(answer)
    text, tries, _ = answer_of(worker(tmp_path), asked, GOOD.question, 0)
    assert (json.loads(text)["title"], tries) == (GOOD.answer["title"], 2)
    assert model.asks[1].turns[-2].content == bad
    assert "title: 'No' is too short" in model.asks[1].turns[-1].content


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(text=""), "neither JSON nor YAML"),
        (Reply(text="la la la la " * 500, cut=True), "it was cut off"),
        (Reply(error="the model did not answer (ReadTimeout)"), "ReadTimeout"),
        (Reply(text='{"title": "<|im_end|>"}'), "twice"),
    ],
)
def test_after_two_bad_answers_it_stops_and_says_so(reply: Reply, said: str, tmp_path: Path) -> None:
    """A model that answers nothing, repeats for ever, has no time, or writes control tokens."""
    model, asked = told(lambda _ask: reply)
    with pytest.raises(RoleError, match="no answer that can be used, twice") as error:
        work(worker(tmp_path), asked, [GOOD.question])
    assert said in str(error.value)
    assert len(model.asks) == 2
    assert "afina bootstrap ba" in error.value.remedy


def test_a_dead_model_is_no_bad_answer(tmp_path: Path) -> None:
    """It is said as what it is."""
    with pytest.raises(RuntimeFailedError):
        work(worker(tmp_path), told(gone)[1], [GOOD.question])


@pytest.mark.parametrize(
    ("concept", "question"),
    [
        ("Telemedicine for rural areas", "Concept: Telemedicine for rural areas"),
        (
            "Una agenda para las postas rurales de la región",
            "Concepto: Una agenda para las postas rurales de la región",
        ),
        ("Concept: as it is", "Concept: as it is"),
        ("concepto: así", "concepto: así"),
    ],
)
def test_a_concept_is_asked_in_its_language(concept: str, question: str) -> None:
    """Who wrote the word before it keeps it."""
    assert concept_question(concept) == question


def answering(answers: dict[str, str], calls: list[str]) -> Any:
    """In place of opening a model: each role answers as it was told."""

    def run(own: Worker, questions: Any, _stages: Stages, *, seed: int = 0) -> Any:
        name = own.space.role.name
        calls.append(name)
        text = answers[name]
        _, model = told(lambda _ask: Reply(text=text))
        return work(own, model, questions, seed=seed)

    return run


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """From a concept to tests, in an empty folder."""
    return Chain(
        names=("ba", "po", "architect", "dev", "qa"),
        folder=tmp_path / "planning",
        worker=lambda name: worker_of(open_space(name, tmp_path), "semilla"),
    )


def kept_run(own: Worker, runs: list[str]) -> str:
    """Write down whose run it was."""
    runs.append(own.space.role.name)
    return "run_1"


def whole_answers() -> dict[str, str]:
    """The first example of every role: they belong to one another."""
    return {name: seeds[0].text for name, seeds in SEEDS.items()}


def test_the_chain_goes_from_a_concept_to_tests(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """A YAML file for each role, code beside it, a run for each that is kept."""
    calls: list[str] = []
    monkeypatch.setattr(role_run, "run_role", answering(whole_answers(), calls))
    runs: list[str] = []
    found = run_chain(chain, GOOD.question, Stages(Silent()), kept=lambda own, _answered: kept_run(own, runs))
    assert calls == runs == ["ba", "po", "architect", "dev", "qa"]
    assert {path.stem for path in chain.folder.glob("*.yaml")} == ARTIFACTS
    assert yaml.safe_load((chain.folder / "requirements.yaml").read_text("utf-8")) == GOOD.answer
    first = SEEDS["dev"][0].answer["files"][0]
    assert (chain.folder.parent / "code" / "s001" / first["path"]).read_text("utf-8").strip() == first[
        "content"
    ].strip()
    assert found["qa"]["run"] == "run_1"


def test_two_stories_may_call_their_file_the_same(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each lies in its story's folder; none overwrites another's."""
    calls: list[str] = []
    monkeypatch.setattr(role_run, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    stories = len(SEEDS["architect"][0].answer["stories"])
    files = len(SEEDS["dev"][0].answer["files"])
    assert len(list((chain.folder.parent / "code").rglob("*.py"))) == stories * files > files


def test_a_chain_that_broke_goes_on_where_it_broke(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the roles before it wrote is kept; run again after the end nobody is asked."""
    calls: list[str] = []
    broken = {**whole_answers(), "architect": "{}"}
    monkeypatch.setattr(role_run, "run_role", answering(broken, calls))
    with pytest.raises(RoleError, match="architect"):
        run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == ["ba", "po", "architect"]
    assert not (chain.folder / "architecture.yaml").exists()
    monkeypatch.setattr(role_run, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == ["ba", "po", "architect", "architect", "dev", "qa"]
    again = run_chain(chain, GOOD.question, Stages(Silent()))
    assert len(calls) == 6
    assert all(one["kept"] for one in again.values())


def test_an_edited_file_goes_on_to_the_roles_behind_it(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays as the person wrote it; those who read it are asked anew."""
    calls: list[str] = []
    monkeypatch.setattr(role_run, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    path = chain.folder / "requirements.yaml"
    edited = path.read_text("utf-8").replace(GOOD.answer["title"], "Another title of the same")
    path.write_text(edited, "utf-8")
    calls.clear()
    run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == ["po", "qa"]
    assert path.read_text("utf-8") == edited


def test_another_seed_is_another_chain(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is asked anew; but a file that a person has edited stays."""
    calls: list[str] = []
    monkeypatch.setattr(role_run, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    calls.clear()
    run_chain(replace(chain, seed=1), GOOD.question, Stages(Silent()))
    assert calls == list(chain.names)
    path = chain.folder / "requirements.yaml"
    edited = path.read_text("utf-8").replace(GOOD.answer["title"], "Another title of the same")
    path.write_text(edited, "utf-8")
    calls.clear()
    run_chain(replace(chain, seed=2), GOOD.question, Stages(Silent()))
    assert calls == ["po", "architect", "dev", "qa"]
    assert path.read_text("utf-8") == edited


def test_a_file_that_was_edited_into_nonsense_is_named(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody is asked."""
    calls: list[str] = []
    monkeypatch.setattr(role_run, "run_role", answering(whole_answers(), calls))
    run_chain(replace(chain, names=("ba", "po")), GOOD.question, Stages(Silent()))
    (chain.folder / "requirements.yaml").write_text("title: x\n")
    calls.clear()
    with pytest.raises(InputError, match=r"requirements\.yaml: ") as error:
        run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == []
    assert "mend the file" in error.value.remedy


@pytest.mark.parametrize("concept", ["", "blog", "word " * 3000])
def test_no_concept_is_refused_before_a_model_is_asked(concept: str, chain: Chain) -> None:
    """One word says nothing, twenty pages are none."""
    with pytest.raises(InputError, match="concept"):
        run_chain(chain, concept, Stages(Silent()))


def test_code_stays_in_its_folder(tmp_path: Path) -> None:
    """A schema of one's own may allow any path; the writer does not."""
    own = worker_of(open_space("dev", tmp_path), "semilla")
    _, model = told(lambda _ask: Reply(text=SEEDS["dev"][0].text))
    found = work(own, model, [SEEDS["dev"][0].question])
    bad = replace(found, artifact={"files": [{"path": "../../evil.py", "content": "x = 1"}]})
    with pytest.raises(RoleError, match="outside of"):
        write_artifact(own, bad, tmp_path / "planning")
    assert not (tmp_path.parent / "evil.py").exists()
