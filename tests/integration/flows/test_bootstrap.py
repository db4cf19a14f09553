"""From a few authored examples to a tuned model, on the built-in base and a small role of a project's own."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from afina.errors import InputError, NotEnoughDataError
from afina.flows.boot import Boot, BootstrapOptions
from afina.flows.bootstrap import bootstrap
from afina.flows.bootstrap_judging import judge_step
from afina.flows.bootstrap_training import expected_training
from afina.flows.role_compare import Contender
from afina.flows.role_model import Ask, Reply
from afina.flows.role_ratings import rate, record_run
from afina.flows.role_report import as_markdown, last_verdict, role_report
from afina.flows.role_retrain import retrain
from afina.flows.role_run import work, worker_of
from afina.flows.role_space import open_space
from afina.progress import Silent, Stages, Tell
from afina.roles import Seed
from tests.integration.roles import note_role
from tests.unit.flows.role_models import told

OPTIONS = BootstrapOptions(
    generations=(12, 12), least=4, calls=12, questions=4, minutes=0.1, min_score=0.0, languages=("es",)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the role."""
    monkeypatch.delenv("LOCAL_BASE_MODEL", raising=False)
    note_role(tmp_path)
    return tmp_path


def boot(folder: Path, options: BootstrapOptions = OPTIONS) -> Boot:
    """A bootstrap that says nothing."""
    return Boot(space=open_space("note", folder), options=options, stages=Stages(Silent()))


def said(text: str, _ask: Ask) -> Reply:
    """Always the same answer."""
    return Reply(text=text)


def is_better(judged: dict[str, Any], name: str) -> bool:
    """A go, and bound no worse than the base."""
    bound = {one: row["role_score"] for one, row in judged["bound"].items()}
    return bool(
        judged["verdict"]["outcome"] == "go" and bound[name] >= max(bound["base"], bound.get("base+program", 0))
    )


def test_a_bootstrap_goes_on_where_it_broke_and_ends_with_a_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the first generation was judged; then to its end; then again, where nobody is asked any more; then trained again."""

    def dies(own: Boot, held_out: Sequence[Seed], tuned: Sequence[Contender], tell: Tell) -> dict[str, Any]:
        if tuned:
            raise KeyboardInterrupt
        return judge_step(own, held_out, tuned, tell)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("afina.flows.bootstrap.judge_step", dies)
        bootstrap(boot(folder))
    kept = json.loads((boot(folder).folder / "steps.json").read_text("utf-8"))["steps"]
    assert list(kept) == ["budget", "concepts", "program", "judge-base", "examples-1", "v1"]

    second = boot(folder)
    report = bootstrap(second)
    assert {name: report.steps[name] for name in kept} == kept
    assert list(report.steps)[6:] == ["judge-1", "examples-2", "v2", "judge-2", "choose"]
    assert "budget" not in second.stages.seconds

    third = boot(folder)
    assert bootstrap(third).steps == report.steps
    assert third.stages.seconds == {}

    written = role_report(third, report)
    assert {*written["generations"], "base+program"} == {"base", "base+program", "v1", "v2"}
    assert all(row["bound"]["schema_valid"] == 1 for row in written["generations"].values())  # what the grammar is for
    assert written["kept"]["examples-1"] == 12
    assert 4 <= written["kept"]["examples-2"] <= 12  # a toy that trains for seconds ends few of its texts
    assert written["outcome"] == report.steps["judge-2"]["verdict"]["outcome"]
    assert as_markdown(written).startswith("# note: ")
    verdict, a, b = last_verdict(third, report)
    assert (verdict.a, verdict.b, len(a.outputs)) == ("base", "v2", 14)
    assert b.arm == "v2"
    (third.space.folder / "evaluations" / "note-free" / "base.jsonl").unlink()  # or another bootstrap's by now
    assert last_verdict(third, report)[0].p_value == verdict.p_value
    assert third.space.best.is_file() == any(is_better(report.steps[f"judge-{n}"], f"v{n}") for n in (1, 2))

    with pytest.raises(NotEnoughDataError, match="0 runs of note are rated 4 or more, at least 2 are needed"):
        retrain(third, least=2)
    worker = worker_of(third.space, "semilla")
    for seed in third.space.role.seeds()[:2]:  # what is held out would not count
        _, model = told(partial(said, seed.text))
        rate(third.space, record_run(worker, work(worker, model, [seed.question])), 5)
    again = retrain(third, least=2)
    assert (again["version"][:2], again["examples"], again["rated"]) == ("r-", sum(written["kept"].values()), 2)
    assert again["answers_now"] == (again["outcome"] == "go")


def test_training_time_is_predicted_before_anything_is_written(folder: Path) -> None:
    """Of both trainings, on 12 and on 24 examples."""
    generations, minutes, remedies = expected_training(boot(folder).space, (12, 12))
    assert (generations, remedies) == ((12, 12), [])
    assert 0 < minutes < 60


def test_what_cannot_be_judged_is_refused_first(folder: Path) -> None:
    """A language in which nothing is held out; three examples."""
    with pytest.raises(InputError, match="no authored example in en is held out"):
        bootstrap(boot(folder, BootstrapOptions(languages=("en",))))
    path = folder / "roles" / "note" / "seeds.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    with pytest.raises(InputError, match="3 examples: a search needs at least 4"):
        bootstrap(boot(folder))


def test_too_few_good_examples_end_it_with_a_remedy(folder: Path) -> None:
    """All candidates stay in a file with their reasons; what was answered is not asked again next time."""
    options = replace(OPTIONS, min_score=1.0)
    with pytest.raises(NotEnoughDataError, match="examples of 24 were good enough, 4 are asked for") as error:
        bootstrap(boot(folder, options))
    assert error.value.remedy
    rows = [json.loads(line) for line in (boot(folder).folder / "candidates-1.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 24
    assert any(row["reason"].startswith("score") for row in rows)
