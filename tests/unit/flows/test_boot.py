"""What a bootstrap has done, and for which options."""

import shutil
from pathlib import Path

import pytest

from afina.errors import InputError, RoleError
from afina.flows.boot import Boot, BootstrapOptions, answering_place, only_one, resume
from afina.flows.role_space import open_space
from afina.progress import Silent, Stages
from afina.roles.role import packaged_folder
from afina.store.paths import read_json, write_json
from tests.unit.flows.role_models import space

OPTIONS = BootstrapOptions()


def boot(folder: Path, options: BootstrapOptions = OPTIONS) -> Boot:
    """A bootstrap that says nothing."""
    return Boot(space=space(folder), options=options, stages=Stages(Silent()))


def test_other_options_begin_anew(tmp_path: Path) -> None:
    """What was done was done for something else; asked for the first again, it is found again."""
    first = boot(tmp_path)
    first.keep("budget", {"note": "x"})
    resume(second := boot(tmp_path, BootstrapOptions(generations=(12, 13))))
    assert second.done == {}
    second.keep("budget", {"note": "y"})
    resume(third := boot(tmp_path))
    assert third.done == {"budget": {"note": "x"}}


def test_a_model_that_answers_goes_on_when_another_bootstrap_begins(tmp_path: Path) -> None:
    """Its folder is put aside, the file that names it says where; taken back while another answers, it is asked again who does."""
    first = boot(tmp_path)
    first.keep("choose", {"note": "v1"})
    model = first.folder / "v1" / "x.gguf"
    model.parent.mkdir()
    model.touch()
    write_json(first.space.best, {"source": str(model), "name": "v1"})
    resume(boot(tmp_path, BootstrapOptions(generations=(12, 13))))
    moved = first.space.folder / read_json(first.space.best)["source"]
    assert moved.is_file()
    assert moved != model
    assert answering_place(first.space.folder) == moved.parent.parent.name
    resume(third := boot(tmp_path))
    assert first.space.folder / read_json(first.space.best)["source"] == model
    assert "choose" in third.done
    write_json(first.space.best, {"source": str(tmp_path / "another.gguf"), "name": "v2"})
    resume(boot(tmp_path, BootstrapOptions(generations=(12, 13))))
    resume(fourth := boot(tmp_path))
    assert "choose" not in fourth.done


def test_fewer_examples_are_asked_for_and_all_steps_stay(tmp_path: Path) -> None:
    """It is the remedy where too few were good enough; so does a file of an editor in the role's folder."""
    first = boot(tmp_path)
    first.keep("budget", {"note": "x"})
    resume(second := boot(tmp_path, BootstrapOptions(least=10)))
    assert second.done == first.done


def test_beside_another_reference_all_are_judged_again_and_nothing_else_is_done(tmp_path: Path) -> None:
    """What was written and trained does not hang on it; what everybody answered is kept elsewhere."""
    first = boot(tmp_path)
    first.keep("v1", {"gguf": "x"})
    first.keep("judge-1", {"note": "x"})
    resume(second := boot(tmp_path, BootstrapOptions(reference="http://host/v1#m")))
    assert second.done == {"v1": {"gguf": "x"}}
    second.keep("judge-1", {"note": "y"})
    resume(third := boot(tmp_path, BootstrapOptions(reference="http://host/v1#m")))
    assert third.done == second.done


def test_where_no_tuned_model_answers_the_bootstrap_of_the_base_that_does_is_meant(tmp_path: Path) -> None:
    """Another one, of another base, may have begun since."""
    own = boot(tmp_path)
    own.keep("budget", {"note": "x"})
    aside = own.folder.with_name("bootstrap-x")
    write_json(aside / "steps.json", {"mark": "x", "base": "smollm2", "steps": {}})
    role = own.space.folder
    assert [answering_place(role, base) for base in ("smollm2", "semilla", "nobody", "")] == [
        "bootstrap-x",
        "bootstrap",
        "bootstrap",
        "bootstrap",
    ]


def test_a_base_of_ollama_is_asked_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As its tuned versions are; others by their names."""
    monkeypatch.setattr("afina.flows.boot.gguf_of", lambda source, _settings, _folder: Path(f"/store/{source}.gguf"))
    sources = [
        Boot(
            space=open_space("ba", tmp_path, {"base": {"model": base}}), options=OPTIONS, stages=Stages(Silent())
        ).base_source
        for base in ("ollama:m", "smollm2")
    ]
    assert sources == ["/store/ollama:m.gguf", "smollm2"]


def test_a_role_whose_folder_is_moved_goes_on(tmp_path: Path) -> None:
    """Its files are the same: a project under another name, a program installed anew."""
    for name in ("here", "there"):
        shutil.copytree(packaged_folder() / "ba", tmp_path / name / "roles" / "ba")
    here, there = (boot(tmp_path / name) for name in ("here", "there"))
    assert OPTIONS.mark(here.space) == OPTIONS.mark(there.space)


def test_what_was_tuned_with_rated_runs_alone_is_in_nobodys_way(tmp_path: Path) -> None:
    """Its folder has no steps; a bootstrap that was put aside is taken back all the same, twice of one name too."""
    other = BootstrapOptions(generations=(12, 13))
    boot(tmp_path).keep("budget", {"note": "x"})
    for _ in range(2):
        resume(boot(tmp_path, other))
        (boot(tmp_path).folder / "r-1").mkdir(parents=True)
        resume(again := boot(tmp_path))
        assert again.done == {"budget": {"note": "x"}}
    names = {path.name for path in again.space.folder.glob("bootstrap*")}
    assert names == {"bootstrap", "bootstrap-rated", "bootstrap-rated-2"}


def test_a_role_that_is_changed_under_a_bootstrap_ends_it(tmp_path: Path) -> None:
    """Examples that a search has shown would judge."""
    shutil.copytree(packaged_folder() / "ba", tmp_path / "roles" / "ba")
    resume(own := boot(tmp_path))
    own.keep("budget", {"note": "x"})
    (tmp_path / "roles" / "ba" / ".seeds.swp").touch()
    own.keep("concepts", {"note": "x"})
    seeds = tmp_path / "roles" / "ba" / "seeds.jsonl"
    seeds.write_text("".join(reversed(seeds.read_text("utf-8").splitlines(keepends=True))), "utf-8")
    with pytest.raises(InputError, match="was changed while ba was at work"):
        own.keep("program", {"note": "x"})


def test_a_step_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    """Its result is what was kept, also by the next call; generations are those of the budget."""
    first = boot(tmp_path)
    assert first.step("budget", lambda _tell: {"generations": [80, 80], "note": "x"})["note"] == "x"
    resume(second := boot(tmp_path))
    assert second.step("budget", lambda _tell: {"note": "again"})["note"] == "x"
    assert second.generations == (80, 80)


@pytest.mark.parametrize(("failed", "again"), [(0, False), (1, False), (2, True)])
def test_a_judging_in_which_too_much_failed_is_done_again(failed: int, again: bool, tmp_path: Path) -> None:
    """It said "run it again": the same command does, and who answers is chosen anew; one of fifteen may fail."""
    first = boot(tmp_path)
    first.keep("v1", {"gguf": "x"})
    first.keep(
        "judge-1", {"free": {"v1": {"failed": failed, "items": 15}}, "bound": {"v1": {"failed": 0, "items": 15}}}
    )
    first.keep("choose", {"chosen": ""})
    resume(second := boot(tmp_path))
    assert set(second.done) == ({"v1"} if again else {"v1", "judge-1", "choose"})


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    """The second would move the first one's folder; once that has ended, it may begin."""
    own = space(tmp_path)
    with only_one(own), pytest.raises(RoleError, match="ba: another bootstrap or retraining is at work"), only_one(own):
        pass
    with only_one(own):
        pass


def test_another_machine_is_no_other_bootstrap(tmp_path: Path) -> None:
    """More slots, another port or another client: what is done stays done."""
    before = boot(tmp_path)
    mark = before.options.mark(before.space)
    (tmp_path / "afina.toml").write_text('[project]\nclient = "acme"\n[runtime]\nslots = 2\n')
    assert before.options.mark(space(tmp_path)) == mark
