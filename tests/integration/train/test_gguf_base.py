"""A GGUF as a base: the same model as its folder, trained in its own blocks."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from afina.records import Turn
from afina.runtime.renderer import renderer_of
from afina.settings import TrainSettings
from afina.train.encode import Encoded, Long, encode_chats
from afina.train.gguf_base import load_gguf
from afina.train.loop import Job, train
from afina.train.storage import stored
from tests.integration.conftest import FamilyFile, FamilyFolder


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
def test_its_matrices_are_the_models(family: str, family_folder: FamilyFolder, family_file: FamilyFile) -> None:
    """To the bit where nothing was quantised: names, order of rows, biases, norms, tied and untied heads."""
    expected = AutoModelForCausalLM.from_pretrained(family_folder(family), dtype=torch.float32)
    model = load_gguf(family_file(family, "f32"))

    for (name, one), (other_name, other) in zip(expected.named_modules(), model.named_modules(), strict=True):
        assert name == other_name
        if isinstance(one, torch.nn.Linear | torch.nn.Embedding):
            assert torch.equal(stored(other).dense(), one.weight), name
            assert torch.equal(stored(other).lookup(torch.tensor([3, 0, 3])), one.weight[[3, 0, 3]]) or "proj" in name
            if getattr(one, "bias", None) is not None:
                assert bool((other.bias == one.bias).all()), name
        elif hasattr(one, "weight"):
            assert bool((other.weight == one.weight).all()), name


def decoded(folder: Path, gguf: Path, out: Path) -> Path:
    """The folder with the GGUF's weights in float32."""
    shutil.copytree(folder, out)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for one, other in zip(model.modules(), load_gguf(gguf).modules(), strict=True):
        if isinstance(one, torch.nn.Linear | torch.nn.Embedding):
            one.weight.data.copy_(stored(other).dense())
    model.save_pretrained(out)
    return out


@pytest.mark.parametrize(("family", "kind"), [("llama", "q8_0"), ("phi3", "q4_k_m"), ("gemma3", "f16")])
def test_it_is_trained_where_it_lies(
    family: str, kind: str, family_folder: FamilyFolder, family_file: FamilyFile, tmp_path: Path
) -> None:
    """As the same weights in float32 are, step by step; nothing of the file changes."""
    gguf = family_file(family, kind)
    before = gguf.read_bytes()
    chats = [[Turn("user", f"mensaje {n}"), Turn("assistant", "pago" if n % 2 else "envio")] for n in range(32)]
    rows = encode_chats(chats, renderer_of(gguf), max_tokens=128, only_last=True, long=Long("refuse"))
    settings = TrainSettings.model_validate(
        {
            "lora": {"r": 8},
            "training": {
                "compute": "float32",
                "num_epochs": 4,
                "batch_size": 8,
                "gradient_accumulation_steps": 1,
                "learning_rate": 5e-3,
            },
        }
    )
    data = Encoded(rows[:24], rows[24:])

    own = train(data, settings, base=gguf, job=Job(out=tmp_path / "own"))
    plain = train(
        data, settings, base=decoded(family_folder(family), gguf, tmp_path / "plain"), job=Job(out=tmp_path / "float")
    )

    assert own.validation_loss == pytest.approx(plain.validation_loss, abs=1e-4)
    assert own.train_loss == pytest.approx(plain.train_loss, abs=1e-4)
    assert gguf.read_bytes() == before
