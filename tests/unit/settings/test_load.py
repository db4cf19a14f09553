"""Defaults < TOML < environment < flags."""

from pathlib import Path

import pytest

from afina.cli.init import TEMPLATE
from afina.demo.story import SETTINGS
from afina.errors import SettingsError
from afina.settings import Recipe, find_project, load_settings, make_settings, packaged
from afina.tasks import make_task


def project(folder: Path, text: str) -> Path:
    """A project folder."""
    (folder / "afina.toml").write_text(text, "utf-8")
    return folder


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    """Port: file 1, environment 2, flag 3."""
    folder = project(tmp_path, "[serve]\nport = 1\nhost = '::1'\n")
    environment = {"AFINA_SERVE__PORT": "2", "OTHER": "x", "AFINA_LANG": "es"}

    assert load_settings(folder, environment={}).serve.port == 1
    assert load_settings(folder, environment=environment).serve.port == 2
    flagged = load_settings(folder, environment=environment, flags={"serve": {"port": 3}})
    assert (flagged.serve.port, flagged.serve.host) == (3, "::1")


def test_ollama_model_is_honoured(tmp_path: Path) -> None:
    """Document 000 switches models by this variable."""
    settings = load_settings(project(tmp_path, ""), environment={"OLLAMA_MODEL": "semilla-classify:v1"})

    assert settings.serve.model == "semilla-classify:v1"


def test_local_base_model_is_honoured(tmp_path: Path) -> None:
    """Document 001 names the winner of its benchmark by this variable."""
    settings = load_settings(project(tmp_path, ""), environment={"LOCAL_BASE_MODEL": "/models/qwen"})

    assert settings.base.model == "/models/qwen"


@pytest.mark.parametrize("text", ["[serve]\nprot = 1\n", "[nonsense]\n", "[serve\n", "[freeze]\ntest_share = 2\n"])
def test_unknown_and_malformed_keys_fail(tmp_path: Path, text: str) -> None:
    """The message names the file."""
    with pytest.raises(SettingsError, match=r"afina\.toml"):
        load_settings(project(tmp_path, text), environment={})


def test_the_project_is_found_from_below(tmp_path: Path) -> None:
    """Commands work in subfolders; outside they say what to do."""
    below = project(tmp_path, "") / "a" / "b"
    below.mkdir(parents=True)

    assert find_project(below) == tmp_path
    with pytest.raises(SettingsError) as caught:
        find_project(Path("/"))
    assert "afina init" in caught.value.remedy


@pytest.mark.parametrize("text", [TEMPLATE.format(recipe="chat", kind="chat", fields=""), SETTINGS])
def test_files_we_write_are_valid(tmp_path: Path, text: str) -> None:
    """What `init` and `demo` write is accepted."""
    assert load_settings(project(tmp_path, text), environment={}).project.client == "default"


def test_a_recipe_lies_under_the_file_and_over_what_the_base_brings(tmp_path: Path) -> None:
    """defaults < base's own < recipe < afina.toml."""
    (tmp_path / "r.toml").write_text(
        'about = "x"\n[task]\nkind = "chat"\n[curate]\nnewest = 7\nmin_quality = 5\n[train.lora]\nr = 8\n', "utf-8"
    )
    folder = project(tmp_path, 'recipe = "r.toml"\n[curate]\nmin_quality = 3\n')
    brought = {"train": {"lora": {"r": 4, "lora_alpha": 9}}, "task": {"language": "es"}}

    found = load_settings(folder, environment={}, base_layer=lambda model: brought if model == "semilla" else {})

    assert (found.curate.newest, found.curate.min_quality) == (7, 3)
    assert (found.train.lora.r, found.train.lora.lora_alpha, found.task.language) == (8, 9, "es")
    other = load_settings(folder, environment={"LOCAL_BASE_MODEL": "x"}, base_layer=lambda _: {})
    assert (other.train.lora.lora_alpha, other.task.language) == (32, "en")


def test_the_kinds_own_recipe_is_taken_where_none_is_named(tmp_path: Path) -> None:
    """A project of chats keeps the newest thousand without being told."""
    folder = project(tmp_path, '[task]\nkind = "chat"\n')

    assert load_settings(folder, environment={}).curate.newest == 1000
    assert load_settings(project(tmp_path, ""), environment={}).task.fields == ("sentiment", "topic", "intent")


@pytest.mark.parametrize("recipe", packaged(), ids=lambda recipe: recipe.name)
def test_every_recipe_that_we_ship_is_valid(recipe: Recipe, tmp_path: Path) -> None:
    """And says what it is for."""
    settings = load_settings(project(tmp_path, f'recipe = "{recipe.name}"\n'), environment={})

    assert recipe.about
    assert make_task(settings, folder=tmp_path).kind.name == recipe.sections["task"]["kind"]


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("[chat]\nsystem = 'x'\n", {}, "chat: unknown key"),
        ("[evaluate]\nmust_beat_yardsticks = true\n", {}, r"afina\.toml: evaluate\.must_beat_yardsticks"),
        ("recipe = 'nobody'\n", {}, "no recipe 'nobody'"),
        ("", {"AFINA_SERVE__PROT": "1"}, r"environment: serve\.prot: unknown key"),
        ("", {"AFINA_SREVE__PORT": "1"}, "AFINA_SREVE__PORT: no section"),
        ("", {"AFINA_TASK__FIELDS": "a,b"}, "environment"),
    ],
)
def test_an_error_names_where_the_key_stands(
    tmp_path: Path, text: str, environment: dict[str, str], words: str
) -> None:
    """File, recipe or environment; moved keys say where to."""
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings(project(tmp_path, text), environment=environment)
    assert "must_beat" not in text or "must_beat_baselines" in caught.value.remedy


def test_a_recipe_holds_nothing_of_the_machine(tmp_path: Path) -> None:
    """It is handed from one to the other."""
    (tmp_path / "r.toml").write_text("[store]\nurl = 'x'\n", "utf-8")

    with pytest.raises(SettingsError, match=r"\[store\] does not belong into a recipe"):
        load_settings(project(tmp_path, 'recipe = "r.toml"\n'), environment={})


def test_guards_by_name_and_as_earlier_versions_wrote_them() -> None:
    """All, none, some; an unknown one is refused."""
    found = {
        str(given): make_settings({"task": {"kind": "chat"}, "evaluate": {"guards": given}}).evaluate.guards
        for given in (True, False, ["safety"], [])
    }
    assert found == {"True": ("safety", "forgetting"), "False": (), "['safety']": ("safety",), "[]": ()}
    with pytest.raises(SettingsError, match="guards"):
        make_settings({"evaluate": {"guards": ["kindness"]}})
