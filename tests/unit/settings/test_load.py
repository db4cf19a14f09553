"""Defaults < TOML < environment < flags."""

from pathlib import Path

import pytest
from afina.cli.project import TEMPLATE

from afina.demo.story import SETTINGS
from afina.errors import SettingsError
from afina.settings import find_project, load_settings


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


@pytest.mark.parametrize("text", [TEMPLATE, SETTINGS])
def test_files_we_write_are_valid(tmp_path: Path, text: str) -> None:
    """What `init` and `demo` write is accepted."""
    assert load_settings(project(tmp_path, text), environment={}).project.client == "default"
