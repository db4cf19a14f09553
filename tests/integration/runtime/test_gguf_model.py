"""A GGUF as a model: the same numbers as the folder that it was made from."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from afina.bases.families import FAMILIES
from afina.errors import ModelError
from afina.records import Turn
from afina.runtime.gguf_model import decoded_model
from afina.runtime.renderer import renderer_of
from afina.train.gguf_base import load_gguf
from tests.integration.conftest import FamilyFile, FamilyFolder

IDS = torch.arange(4, 516).view(2, 256) % 999
CHAT = [Turn("user", "hola, <b> 12345 ñandú \n  x"), Turn("assistant", "sí")]


def logits(model: Any) -> torch.Tensor:
    """A forward pass."""
    with torch.no_grad():
        return torch.as_tensor(model(IDS).logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_computes_what_its_folder_does(family: str, family_folder: FamilyFolder, family_file: FamilyFile) -> None:
    """To the bit, for every family: order of rows, norms, tied heads, biases, rotary embeddings, windows, caps on logits; and the
    runtime's tokens and template give the same ids."""
    folder, gguf = family_folder(family), family_file(family, "f32")
    expected = logits(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))

    assert torch.equal(logits(decoded_model(gguf)), expected)
    assert expected.std() > 1
    assert renderer_of(gguf).training(CHAT) == renderer_of(folder).training(CHAT)


def test_a_file_that_is_no_model_of_its_family_is_refused(family_file: FamilyFile, tmp_path: Path) -> None:
    """A tensor of another name, a head count that does not fit: by the tensor's name, before anything is trained."""
    raw = family_file("qwen2", "f32").read_bytes()
    other = tmp_path / "x.gguf"
    other.write_bytes(raw.replace(b"blk.0.attn_k.bias", b"blk.0.attn_x.bias"))
    with pytest.raises(ModelError, match=r"the weights of model.layers.0.self_attn.k_proj.bias are missing"):
        load_gguf(other)
    key = b"qwen2.attention.head_count" + (4).to_bytes(4, "little") + (4).to_bytes(4, "little")
    assert key in raw
    other.write_bytes(raw.replace(key, key[:-4] + (8).to_bytes(4, "little")))
    with pytest.raises(ModelError, match=r"blk.0.attn_k.weight is \(128, 256\), its configuration says \(64, 256\)"):
        load_gguf(other)
