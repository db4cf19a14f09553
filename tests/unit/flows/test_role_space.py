"""Who answers for a role."""

from pathlib import Path

import pytest

from afina.flows.role_space import current_model, open_space
from afina.runtime import Drawn
from afina.store.paths import write_json
from afina.synth.program import Program, write_program


def test_the_base_answers_until_something_better_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The given model, before config.yaml, before the tuned one, before LOCAL_BASE_MODEL, before the built-in one."""
    monkeypatch.delenv("LOCAL_BASE_MODEL", raising=False)
    _, source, program = current_model(open_space("ba", tmp_path))
    assert (source, program.instructions) == ("semilla", open_space("ba", tmp_path).role.instructions)
    monkeypatch.setenv("LOCAL_BASE_MODEL", "qwen")
    space = open_space("ba", tmp_path)
    assert current_model(space)[1] == "qwen"
    write_program(space.program, Program(role="ba", instructions="Found."))
    assert current_model(space)[2].instructions == "Found."
    write_json(space.best, {"source": str(tmp_path / "v2.gguf")})
    _, source, program = current_model(space)
    assert (source, program.instructions) == (str(tmp_path / "v2.gguf"), space.role.prompt)
    (tmp_path / "config.yaml").write_text(
        "roles: {ba: {provider: ollama, model: 'x:v1', temperature: 0.1, timeout: 7}}"
    )
    own, source, program = current_model(space)
    assert (source, program.instructions) == ("ollama:x:v1", "Found.")
    assert (own.role.form.generation.temperature, own.settings.evaluate.timeout_s) == (0.1, 7)
    assert current_model(space, "given.gguf")[1] == "given.gguf"


def test_a_tuned_model_of_someone_elses_is_asked_shortly_where_that_is_said(tmp_path: Path) -> None:
    """Document 001's wrapper: the long prompt is for a base."""
    (tmp_path / "config.yaml").write_text("roles: {ba: {provider: ollama, model: 'x:v1', prompt: short}}")
    space = open_space("ba", tmp_path)
    _, _, program = current_model(space)
    assert space.system(program) == space.role.prompt
    assert '"title"' in space.system(space.start_program())


def test_a_project_names_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any folder below it."""
    monkeypatch.delenv("LOCAL_BASE_MODEL", raising=False)
    (tmp_path / "afina.toml").write_text('[base]\nmodel = "mine"\n')
    (tmp_path / "below").mkdir()
    space = open_space("ba", tmp_path / "below")
    assert space.settings.base.model == "mine"
    assert space.folder == tmp_path / ".afina" / "roles" / "ba"


def test_a_free_answer_has_no_repeat_penalty(tmp_path: Path) -> None:
    """It would hit the quotes and names that JSON repeats; under a grammar those are given. Only long repetitions are held back."""
    space = open_space("ba", tmp_path)
    assert space.drawn(3) == Drawn(0.7, 3, repeat_penalty=1.1, dry=0.8, dry_allowed=3)
    assert space.drawn(3, bound=False) == Drawn(0.7, 3, dry=0.8, as_shipped=True)


def test_a_tuned_model_writes_yaml_and_a_base_json(tmp_path: Path) -> None:
    """As each of them writes best; who is asked with the short prompt was tuned to it."""
    space = open_space("ba", tmp_path)
    question = space.role.seeds()[0].question
    for program, form in ((space.start_program(), None), (space.short_program(), "yaml")):
        asked = space.ask(program.turns(question, space.system(program)), question, 0).schema or {}
        assert asked.get("x-form") == form
    assert "as JSON" in space.system(space.start_program())
    assert "YAML" not in space.system(space.start_program())


def test_a_role_knows_its_projects_machine_and_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes of personal data, for which client, in how much memory; what is learnt is the role's own. The environment is heard too."""
    (tmp_path / "afina.toml").write_text(
        '[project]\nclient = "acme"\n[privacy]\ndefault = "drop"\nown = ["Kowalczyk"]\n'
        "[runtime]\ncontext = 8192\n[evaluate]\nmin_items = 77\n"
    )
    settings = open_space("ba", tmp_path).settings
    assert (settings.project.client, settings.privacy.default, settings.privacy.own) == ("acme", "drop", ("Kowalczyk",))
    assert (settings.runtime.context, settings.evaluate.min_items) == (8192, 10)
    monkeypatch.setenv("AFINA_PRIVACY__SCRUB", "false")
    assert not open_space("ba", tmp_path).settings.privacy.scrub


@pytest.mark.parametrize("way", ["whole", "through another folder", "in config.yaml", "an older version"])
def test_a_version_of_the_roles_own_is_asked_shortly(way: str, tmp_path: Path) -> None:
    """However its path is written, and whether it is the one that answers or not; a base beside it is none."""
    space = open_space("ba", tmp_path)
    place = space.folder / ("bootstrap-0a1b" if way == "an older version" else "bootstrap") / "v1"
    model = place / "models" / "mod_1" / "x.gguf"
    base = place / "bases" / "base.gguf"
    for path in (model, base):
        path.parent.mkdir(parents=True)
        path.touch()
    given = {"through another folder": str(tmp_path / "planning" / ".." / model.relative_to(tmp_path))}.get(
        way, str(model)
    )
    if way == "in config.yaml":
        (tmp_path / "config.yaml").write_text(
            f"roles: {{ba: {{provider: afina, model: '{model.relative_to(tmp_path)}'}}}}"
        )
        given = ""
    _, source, program = current_model(space, given)
    assert program.instructions == space.role.prompt
    assert Path(source).resolve() == model.resolve()
    assert current_model(space, str(base))[2].instructions == space.role.instructions
