"""What a base brings of its own."""

from pathlib import Path

import pytest

from afina.errors import SettingsError
from afina.flows.base_settings import base_layer
from afina.settings import make_settings
from tests.integration.conftest import FamilyFile, FamilyFolder


def test_a_small_base_is_tuned_as_one(family_file: FamilyFile, family_folder: FamilyFolder) -> None:
    """A file or a folder, by its weights; a recipe or a flag lies over it."""
    for base in (family_file("qwen2", "q8_0"), family_folder("qwen2")):
        found = make_settings({"base": {"model": str(base)}}, base_layer=base_layer).train
        assert (found.training.learning_rate, found.training.batch_size, found.lora.lora_dropout) == (1e-3, 16, 0.0)
    flags = {"base": {"model": str(base)}, "train": {"training": {"learning_rate": 1e-4}}}
    assert make_settings(flags, base_layer=base_layer).train.training.learning_rate == 1e-4


def test_its_own_file_comes_first(tmp_path: Path) -> None:
    """`train.toml` of a folder; malformed it is named. What is not here brings nothing."""
    (tmp_path / "train.toml").write_text("[lora]\nr = 4\n", "utf-8")
    assert base_layer(str(tmp_path)) == {"train": {"lora": {"r": 4}}}
    (tmp_path / "train.toml").write_text("[lora\n", "utf-8")
    with pytest.raises(SettingsError, match=r"train\.toml"):
        base_layer(str(tmp_path))
    assert base_layer("nobody/nothing") == {}
    assert base_layer("semilla")["task"] == {"language": "es"}
