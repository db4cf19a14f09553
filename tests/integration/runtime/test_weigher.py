"""A weigher beside the server: texts one after the other, errors of one text and of all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from afina.errors import ModelError, RuntimeFailedError
from afina.runtime import TextNotWeighedError, Weigh, start_weigher
from afina.runtime.llama import loaded
from afina.settings import RuntimeSettings

IDS = [5, 77, 300, 412, 99, 1023, 55, 8, 912, 44, 1200, 7, 66, 512, 333, 21, 900, 45]


@pytest.fixture
def weigh(gguf: Path, tmp_path: Path) -> Iterator[Weigh]:
    """A weigher with room for 64 tokens."""
    with start_weigher(gguf, RuntimeSettings(context=128, threads=1), log=tmp_path / "log") as found:
        yield found


def test_it_is_the_librarys_likelihood(weigh: Weigh, gguf: Path) -> None:
    """The same number as in this process (test_llama.py compares that with torch), whatever was weighed before."""
    weigh(IDS[::-1], 3)

    with loaded(gguf, context=128, threads=1) as model:
        assert weigh(IDS, 4) == model.log_likelihood(IDS, 4)


def test_a_text_that_does_not_fit_is_an_error_of_that_text(weigh: Weigh) -> None:
    """The next one is weighed all the same."""
    with pytest.raises(TextNotWeighedError, match="129 tokens, the context has room for 128"):
        weigh([5] * 129, 1)
    assert weigh(IDS, 4) < 0


def test_a_file_that_does_not_load_is_said(gguf: Path, tmp_path: Path) -> None:
    """Before a process is started where it is no GGUF; else with what llama.cpp says."""
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(60))
    with (
        pytest.raises(ModelError, match=r"bad\.gguf"),
        start_weigher(bad, RuntimeSettings(context=128, threads=1), log=tmp_path / "log"),
    ):
        pass
    bad.write_bytes(gguf.read_bytes().replace(b"qwen2", b"qwenx"))
    with (
        start_weigher(bad, RuntimeSettings(context=128, threads=1), log=tmp_path / "log") as weigh,
        pytest.raises(RuntimeFailedError, match=r"bad\.gguf.*unknown model architecture: 'qwenx'"),
    ):
        weigh(IDS, 1)
