"""How likely the runtime finds a text, against torch on the model that the file was made from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from afina.errors import RuntimeFailedError
from afina.export.export import Conversion, convert
from afina.runtime import TextNotWeighedError, Weigh, start_weigher
from afina.settings import RuntimeSettings

IDS = [5, 77, 300, 412, 99, 1023, 55, 8, 912, 44, 1200, 7, 66, 512, 333, 21, 900, 45]


@pytest.fixture(scope="module")
def gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in float32."""
    out = tmp_path_factory.mktemp("weigher") / "tiny.gguf"
    convert(tiny_model, out, Conversion(name="tiny"))
    return out


@pytest.fixture
def weigh(gguf: Path, tmp_path: Path) -> Iterator[Weigh]:
    """A weigher with room for 64 tokens."""
    with start_weigher(gguf, RuntimeSettings(context=128, threads=1), log=tmp_path / "log") as found:
        yield found


@pytest.mark.parametrize("first", [1, 4, len(IDS) - 1])
def test_it_is_the_models_likelihood(weigh: Weigh, tiny_model: Path, first: int) -> None:
    """The sum over the tokens from `first` on, whatever was weighed before."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with torch.no_grad():
        logs = model(torch.tensor([IDS])).logits[0].double().log_softmax(-1)
    expected = sum(float(logs[at - 1, IDS[at]]) for at in range(first, len(IDS)))

    weigh(IDS[::-1], 3)

    assert weigh(IDS, first) == pytest.approx(expected, abs=2e-2)


def test_a_text_that_does_not_fit_is_an_error_of_that_text(weigh: Weigh) -> None:
    """The next one is weighed all the same."""
    with pytest.raises(TextNotWeighedError, match="129 tokens, the context has room for 128"):
        weigh([5] * 129, 1)
    assert weigh(IDS, 4) < 0


def test_a_file_that_does_not_load_is_said(tmp_path: Path) -> None:
    """With where its log is."""
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(60))
    with (
        start_weigher(bad, RuntimeSettings(context=128, threads=1), log=tmp_path / "log") as weigh,
        pytest.raises(RuntimeFailedError, match=r"bad\.gguf"),
    ):
        weigh(IDS, 1)
