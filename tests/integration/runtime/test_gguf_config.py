"""A GGUF's configuration."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
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


def written(out: Path, architecture: str, **keys: int) -> Path:
    """A file with some keys and one small tensor."""
    writer = GGUFWriter(out, architecture)
    for key, value in keys.items():
        writer.add_uint32(key.replace("__", "."), value)
    writer.add_tensor("x.weight", np.zeros((2, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


@pytest.mark.parametrize(
    ("architecture", "keys", "words"),
    [
        ("clip", {}, "the architecture clip is not trained"),
        ("bert", {}, "the architecture bert is not trained"),
        ("llama", {"split__count": 2}, "a part of a model in several files"),
        ("llama", {"llama__expert_count": 8}, "mixtures of experts"),
        ("llama", {}, "no word vectors"),
    ],
)
def test_models_of_other_kinds_are_refused(architecture: str, keys: dict[str, int], words: str, tmp_path: Path) -> None:
    """Vision, encoders, parts, experts, files without words: by what they are."""
    with pytest.raises(ModelError, match=words):
        gguf_config(written(tmp_path / "x.gguf", architecture, **keys))
