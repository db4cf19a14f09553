"""Pulling from a folder that is laid out like a hub."""

import shutil
from pathlib import Path

import pytest

from afina.bases import check_folder, resolve_base
from afina.bases.pull import SUMS, digest, licence, pull_folder, pull_hub, pulled_folder
from afina.errors import ModelError

NAME = "org/tiny"


@pytest.fixture
def hub(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub with one model, a pickle beside its weights and a card."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "hub" / NAME
    shutil.copytree(tiny_model, folder)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n", "utf-8")
    return tmp_path / "hub"


def test_only_what_is_needed_comes_and_the_name_finds_it(hub: Path) -> None:
    """No pickle; the licence is known; the same name works as a base."""
    folder = pull_folder(NAME, hub, check=check_folder)

    assert not (folder / "pytorch_model.bin").exists()
    assert (folder / "model.safetensors").read_bytes() == (hub / NAME / "model.safetensors").read_bytes()
    assert licence(folder) == "apache-2.0"
    assert resolve_base(NAME) == folder


def test_an_interrupted_pull_goes_on(hub: Path) -> None:
    """What is there is not copied again; half a file is completed; nothing half is taken for whole."""
    whole = (hub / NAME / "model.safetensors").read_bytes()
    folder = pull_folder(NAME, hub, check=check_folder)
    (folder / "manifest.json").unlink()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.part").write_bytes(whole[: len(whole) // 2])
    assert pulled_folder(NAME) is None

    pull_folder(NAME, hub, check=check_folder)

    assert (folder / "model.safetensors").read_bytes() == whole
    assert not list(folder.glob("*.part"))


def test_a_wrong_checksum_is_refused(hub: Path) -> None:
    """The source says what its files must be."""
    file = hub / NAME / "model.safetensors"
    (hub / NAME / SUMS).write_text(f"{digest(file)}  model.safetensors\n", "utf-8")
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    with pytest.raises(ModelError, match="checksum"):
        pull_folder(NAME, hub, check=check_folder)
    assert pulled_folder(NAME) is None


def test_helpful_words_without_a_network(monkeypatch: pytest.MonkeyPatch, hub: Path) -> None:
    """What to do where nothing can be fetched; a folder that is not there is named."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    with pytest.raises(ModelError) as caught:
        pull_hub("org/other")
    assert "semilla" in caught.value.remedy
    with pytest.raises(ModelError, match="not a model's name"):
        pull_hub("a/b/c")
    with pytest.raises(ModelError, match="no such folder"):
        pull_folder("org/other", hub, check=check_folder)


def test_a_second_pull_leaves_nothing_of_the_first(hub: Path) -> None:
    """A file that is gone from the source is gone from the copy, and an incomplete source is never whole."""
    folder = pull_folder(NAME, hub, check=check_folder)
    (folder / "model.safetensors.index.json").write_text("{}", "utf-8")

    pull_folder(NAME, hub, check=check_folder)
    assert not (folder / "model.safetensors.index.json").exists()

    (hub / NAME / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        pull_folder(NAME, hub, check=check_folder)
    assert pulled_folder(NAME) is None


def test_a_malformed_list_of_checksums_is_named(hub: Path) -> None:
    """By its line."""
    (hub / NAME / SUMS).write_text("abc\n", "utf-8")

    with pytest.raises(ModelError, match="line 1"):
        pull_folder(NAME, hub, check=check_folder)
