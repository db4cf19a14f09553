"""A GGUF's configuration."""

from pathlib import Path

import pytest
from transformers import AutoConfig

from afina.errors import ModelError
from afina.export.export import Conversion, convert
from afina.train.gguf_metadata import gguf_config
from afina.train.shape import read_model_config, shape_of


@pytest.fixture(scope="module")
def gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in float32."""
    out = tmp_path_factory.mktemp("metadata") / "tiny.gguf"
    convert(tiny_model, out, Conversion(name="tiny"))
    return out


def test_it_is_the_folders(gguf: Path, tiny_model: Path) -> None:
    """Sizes, heads, whether the head is the word vectors."""
    folder = AutoConfig.from_pretrained(tiny_model)
    assert shape_of(read_model_config(gguf)) == shape_of(folder)
    assert gguf_config(gguf)["rms_norm_eps"] == pytest.approx(folder.rms_norm_eps)


def test_an_architecture_without_a_table_is_refused(gguf: Path, tmp_path: Path) -> None:
    """By name, before anything is read."""
    other = tmp_path / "x.gguf"
    other.write_bytes(gguf.read_bytes().replace(b"qwen2", b"qwenx"))
    with pytest.raises(ModelError, match=r"x\.gguf: the architecture qwenx is not trained from a GGUF here"):
        gguf_config(other)
