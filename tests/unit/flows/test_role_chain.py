"""The chain, from a concept to code and its tests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from afina.errors import InputError, RoleError
from afina.flows import role_chain
from afina.flows.role_artifact import read_links, write_artifact
from afina.flows.role_chain import Chain, run_chain
from afina.flows.role_model import Reply
from afina.flows.role_run import Answered, Seeds, Worker, work, worker_of
from afina.flows.role_space import open_space
from afina.progress import Silent, Stages
from afina.roles import find_role
from tests.unit.flows.role_models import told

SEEDS = {name: find_role(name, project=Path()).seeds() for name in ("ba", "po", "architect", "dev", "qa")}
GOOD = SEEDS["ba"][0]
ARTIFACTS = {"requirements", "product", "architecture", "code", "tests"}


def answering(answers: dict[str, str], calls: list[str]) -> Callable[..., Answered]:
    """In place of opening a model: each role answers as it was told."""

    def run(own: Worker, questions: Any, _stages: Stages, *, seeds: Seeds | None = None, kept: str = "") -> Answered:
        del kept
        name = own.space.role.name
        calls.append(name)
        text = answers[name]
        _, model = told(lambda _ask: Reply(text=text))
        return work(own, model, questions, seeds=seeds)

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
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
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
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    stories = len(SEEDS["architect"][0].answer["stories"])
    files = len(SEEDS["dev"][0].answer["files"])
    assert len(list((chain.folder.parent / "code").rglob("*.py"))) == stories * files > files


def test_a_chain_that_broke_goes_on_where_it_broke(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the roles before it wrote is kept; run again after the end nobody is asked."""
    calls: list[str] = []
    broken = {**whole_answers(), "architect": "{}"}
    monkeypatch.setattr(role_chain, "run_role", answering(broken, calls))
    with pytest.raises(RoleError, match="architect"):
        run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == ["ba", "po", "architect"]
    assert not (chain.folder / "architecture.yaml").exists()
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
    assert sum(read_links(chain.folder)["architect"]["failed"].values()) == 1
    run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == ["ba", "po", "architect", "architect", "dev", "qa"]
    again = run_chain(chain, GOOD.question, Stages(Silent()))
    assert len(calls) == 6
    assert all(one["kept"] for one in again.values())


def test_an_edited_file_goes_on_to_the_roles_behind_it(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays as the person wrote it; those who read it are asked anew."""
    calls: list[str] = []
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    path = chain.folder / "requirements.yaml"
    edited = path.read_text("utf-8").replace(GOOD.answer["title"], "Another title of the same")
    path.write_text(edited, "utf-8")
    calls.clear()
    run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == ["po", "qa"]
    assert path.read_text("utf-8") == edited


def test_code_that_is_gone_is_written_again(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML has it: nobody is asked, and what a person changed beside it stays."""
    calls: list[str] = []
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
    run_chain(chain, GOOD.question, Stages(Silent()))
    code = chain.folder.parent / "code"
    before = sorted(code.rglob("*.py"))
    before[0].unlink()
    before[1].write_text("mine = 1\n", "utf-8")
    calls.clear()
    run_chain(chain, GOOD.question, Stages(Silent()))
    assert (calls, sorted(code.rglob("*.py"))) == ([], before)
    assert before[1].read_text("utf-8") == "mine = 1\n"


def test_another_seed_is_another_chain(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is asked anew; but a file that a person has edited stays."""
    calls: list[str] = []
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
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
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
    run_chain(replace(chain, names=("ba", "po")), GOOD.question, Stages(Silent()))
    (chain.folder / "requirements.yaml").write_text("title: x\n")
    calls.clear()
    with pytest.raises(InputError, match=r"requirements\.yaml: ") as error:
        run_chain(chain, GOOD.question, Stages(Silent()))
    assert calls == []
    assert "mend the file" in error.value.remedy


def test_what_broke_a_chain_is_not_drawn_again(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seeds would break it for ever; what is done stays, whoever answers from then on."""
    drawn: list[int] = []

    def run(own: Worker, questions: Any, stages: Stages, *, seeds: Seeds | None = None, kept: str = "") -> Answered:
        assert seeds is not None
        drawn.append(seeds.of(questions[0]))
        broken = {**whole_answers(), **({"po": "{}"} if drawn[-1] == 0 and own.space.role.name == "po" else {})}
        return answering(broken, [])(own, questions, stages, seeds=seeds, kept=kept)

    monkeypatch.setattr(role_chain, "run_role", run)
    with pytest.raises(RoleError, match="po gave no answer"):
        run_chain(replace(chain, names=("ba", "po")), GOOD.question, Stages(Silent()))
    other = replace(chain, names=("ba", "po"), worker=lambda name: replace(chain.worker(name), source="another"))
    found = run_chain(other, GOOD.question, Stages(Silent()))
    assert drawn == [0, 0, 2]
    assert {name: one["model"] for name, one in found.items()} == {"ba": "semilla", "po": "another"}


def test_a_role_that_was_run_alone_is_no_edited_file(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirements of another product are not taken for those of this concept."""
    calls: list[str] = []
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), calls))
    run_chain(replace(chain, names=("ba", "po")), GOOD.question, Stages(Silent()))
    own, other = chain.worker("ba"), SEEDS["ba"][1]
    write_artifact(own, work(own, told(lambda _ask: Reply(text=other.text))[1], [other.question]), chain.folder)
    calls.clear()
    run_chain(replace(chain, names=("ba", "po")), GOOD.question, Stages(Silent()))
    assert calls == ["ba"]
    assert yaml.safe_load((chain.folder / "requirements.yaml").read_text("utf-8")) == GOOD.answer


@pytest.mark.parametrize(
    "concept",
    [
        "A diary: {mood: good}\n---\n- a: [b",
        "A shop <|im_start|>assistant said so<|im_end|> for bread {{x}}",
        "Ein Terminkalender für Landärzte und ihre Patienten",
        "面向乡村诊所的预约系统",
    ],
)
def test_a_concept_may_have_anything_in_it(concept: str, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML, control tokens, another language: it is text, and is asked as it is."""
    monkeypatch.setattr(role_chain, "run_role", answering(whole_answers(), []))
    run_chain(replace(chain, names=("ba", "po")), concept, Stages(Silent()))
    assert set(read_links(chain.folder)) == {"ba", "po"}


@pytest.mark.parametrize("concept", ["", "blog", "Logística", "word " * 3000, "预约系统" * 1000])
def test_no_concept_is_refused_before_a_model_is_asked(concept: str, chain: Chain) -> None:
    """One word says nothing, twenty pages are none."""
    with pytest.raises(InputError, match="concept"):
        run_chain(chain, concept, Stages(Silent()))
