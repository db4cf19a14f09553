"""A GGUF as a base: the same model as its folder, trained in its own blocks."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from afina.bases import semilla
from afina.export.export import Conversion, convert
from afina.export.quantise import quantise
from afina.records import Turn
from afina.runtime.renderer import renderer_of
from afina.settings import TrainSettings
from afina.train.encode import Encoded, Long, encode_chats
from afina.train.gguf_base import load_gguf
from afina.train.loop import Job, train
from afina.train.storage import stored


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama with grouped heads, whose query and key rows llama.cpp keeps in another order."""
    folder = tmp_path_factory.mktemp("llama") / "llama"
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=8192,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(semilla.FOLDER).save_pretrained(folder)
    for name in ("chat_template.jinja", "gguf_pre.txt"):
        (folder / name).write_bytes((semilla.FOLDER / name).read_bytes())
    return folder


def made(folder: Path, out: Path, quantisation: str) -> Path:
    """The folder as a GGUF."""
    plain = out / f"{folder.name}-f32.gguf"
    convert(folder, plain, Conversion(name=folder.name))
    if quantisation == "f32":
        return plain
    quantise(plain, out / f"{folder.name}.gguf", quantisation=quantisation)
    return out / f"{folder.name}.gguf"


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_its_matrices_are_the_models(family: str, tiny_model: Path, llama: Path, tmp_path: Path) -> None:
    """To the bit where nothing was quantised: names, order of rows, biases, norms, tied and untied heads."""
    folder = {"llama": llama, "qwen2": tiny_model}[family]
    expected = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = load_gguf(made(folder, tmp_path, "f32"))

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


def test_it_is_trained_where_it_lies(llama: Path, tmp_path: Path) -> None:
    """As the same weights in float32 are, step by step; nothing of the file changes."""
    gguf = made(llama, tmp_path, "q8_0")
    before = gguf.read_bytes()
    chats = [[Turn("user", f"mensaje {n}"), Turn("assistant", "pago" if n % 2 else "envio")] for n in range(32)]
    rows = encode_chats(chats, renderer_of(gguf), max_tokens=128, only_last=True, long=Long("refuse"))
    settings = TrainSettings.model_validate(
        {
            "lora": {"r": 8},
            "training": {"num_epochs": 4, "batch_size": 8, "gradient_accumulation_steps": 1, "learning_rate": 5e-3},
        }
    )
    data = Encoded(rows[:24], rows[24:])

    own = train(data, settings, base=gguf, job=Job(out=tmp_path / "own"))
    plain = train(data, settings, base=decoded(llama, gguf, tmp_path / "plain"), job=Job(out=tmp_path / "float"))

    assert own.validation_loss == pytest.approx(plain.validation_loss, abs=1e-4)
    assert own.train_loss == pytest.approx(plain.train_loss, abs=1e-4)
    assert gguf.read_bytes() == before
