"""How likely the runtime finds a text, against torch on the model that the file was made from."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from afina.runtime.llama import loaded

IDS = [5, 77, 300, 412, 99, 1023, 55, 8, 912, 44, 1200, 7, 66, 512, 333, 21, 900, 45]


def test_it_is_the_models_likelihood(tiny_model: Path, gguf: Path) -> None:
    """The sum over the tokens from `first` on, each after all before it."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with torch.no_grad():
        logs = model(torch.tensor([IDS])).logits[0].double().log_softmax(-1)

    with loaded(gguf, context=128, threads=1) as served:
        for first in (1, 4, len(IDS) - 1):
            expected = sum(float(logs[at - 1, IDS[at]]) for at in range(first, len(IDS)))
            assert served.log_likelihood(IDS, first) == pytest.approx(expected, abs=2e-2)
        with pytest.raises(ValueError, match="first is 0"):
            served.log_likelihood(IDS, 0)
