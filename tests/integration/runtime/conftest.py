"""One GGUF for the tests of the runtime: the tiny model in float32."""

from pathlib import Path

import pytest

from afina.export.export import Conversion, convert


@pytest.fixture(scope="session")
def gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in float32."""
    out = tmp_path_factory.mktemp("runtime") / "tiny.gguf"
    convert(tiny_model, out, Conversion(name="tiny"))
    return out
