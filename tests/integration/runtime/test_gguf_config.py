"""A GGUF's configuration."""

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoConfig

from afina.bases.families import FAMILIES
from afina.errors import ModelError
from afina.runtime.gguf_config import gguf_config
from afina.train.shape import read_model_config, shape_of
from tests.integration.conftest import FamilyFile, FamilyFolder


@pytest.mark.parametrize("family", FAMILIES)
def test_its_shape_is_the_folders(family: str, family_folder: FamilyFolder, family_file: FamilyFile) -> None:
    """Sizes, heads, whether the head is the word vectors: what plans of memory are made from."""
    folder = AutoConfig.from_pretrained(family_folder(family))
    found = shape_of(read_model_config(family_file(family, "f32")))
    assert replace(found, stored_bits=0.0) == shape_of(folder)
    assert 32 < found.stored_bits < 33


def test_what_has_no_table_is_refused(gguf: Path, tmp_path: Path) -> None:
    """By name, before anything is read."""
    other = tmp_path / "x.gguf"
    other.write_bytes(gguf.read_bytes().replace(b"qwen2", b"qwenx"))
    with pytest.raises(ModelError, match=r"x\.gguf: the architecture qwenx is not trained from a GGUF here"):
        gguf_config(other)
    other.write_bytes(gguf.read_bytes().replace(b"qwen2.block_count", b"qwen2.block_kount"))
    with pytest.raises(ModelError, match=r"the key qwen2\.block_count is missing"):
        gguf_config(other)
