"""A PEFT adapter as llama.cpp reads it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from safetensors.torch import load_file, save_file

from afina.errors import ExportError, ModelError
from afina.export.gguf_adapter import write_adapter_gguf
from tests.integration.conftest import FamilyFile
from tests.integration.export.adapters import adapter_on


def test_its_matrices_and_keys_are_llamas(family_file: FamilyFile, tmp_path: Path) -> None:
    """A as it is, B with the rows of each head in the file's order; alpha, so that alpha / rank is PEFT's scale."""
    base = family_file("llama", "q8_0")
    adapter = adapter_on(base, tmp_path / "adapter", modules=["q_proj", "down_proj"])
    out = tmp_path / "a.gguf"

    assert write_adapter_gguf(base, adapter, out, name="v1") == 4

    reader = GGUFReader(out)
    peft = load_file(adapter / "adapter_model.safetensors")
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(tensors) == 8
    b = peft["base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"]
    rows = [head * 64 + half * 32 + n for head in range(4) for n in range(32) for half in (0, 1)]
    assert np.array_equal(tensors["blk.1.attn_q.weight.lora_b"], b[rows].half().numpy())
    a = peft["base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"]
    assert np.array_equal(tensors["blk.0.ffn_down.weight.lora_a"], a.half().numpy())
    fields = {key: field.contents() for key, field in reader.fields.items()}
    assert (fields["general.type"], fields["adapter.type"], fields["adapter.lora.alpha"]) == ("adapter", "lora", 8.0)
    assert fields["general.architecture"] == "llama"
    assert fields["afina.base"] == str(base)


def test_what_is_not_served_beside_its_base_is_refused(family_file: FamilyFile, tmp_path: Path) -> None:
    """Word vectors, numbers beyond float16, several scales: merged they work."""
    base = family_file("llama", "q8_0")
    words = adapter_on(base, tmp_path / "words", modules=["embed_tokens"])
    with pytest.raises(ExportError, match="embed_tokens is not served beside its base") as caught:
        write_adapter_gguf(base, words, tmp_path / "a.gguf", name="v1")
    assert caught.value.remedy == 'set [export] form = "merged"'
    large = adapter_on(base, tmp_path / "large", modules=["q_proj"])
    file = large / "adapter_model.safetensors"
    save_file({name: value * torch.tensor(1e6) for name, value in load_file(file).items()}, file)
    with pytest.raises(ExportError, match="beyond float16"):
        write_adapter_gguf(base, large, tmp_path / "a.gguf", name="v1")
    config = json.loads((large / "adapter_config.json").read_text("utf-8"))
    (large / "adapter_config.json").write_text(json.dumps({**config, "rank_pattern": {"q_proj": 2}}), "utf-8")
    with pytest.raises(ModelError, match="more than LoRA matrices of one rank"):
        write_adapter_gguf(base, large, tmp_path / "a.gguf", name="v1")
