"""An adapter merged into the GGUF that it was trained on."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from afina.errors import ModelError
from afina.export.gguf_merge import merge_into_gguf
from afina.runtime.gguf_file import check_gguf
from afina.runtime.gguf_model import matrices
from tests.integration.conftest import FamilyFile, FamilyFolder
from tests.integration.export.adapters import adapter_on

TUNED = ("attn_q", "attn_v", "ffn_down", "token_embd")


def test_tuned_matrices_change_and_nothing_else(
    family_folder: FamilyFolder, family_file: FamilyFile, tmp_path: Path
) -> None:
    """Each by scale × B·A, in the file's order of rows; every other byte is the base's."""
    base = family_file("llama", "f32")
    adapter = adapter_on(base, tmp_path / "adapter", modules=["q_proj", "v_proj", "down_proj", "embed_tokens"])
    out = tmp_path / "merged.gguf"

    assert merge_into_gguf(base, adapter, out) == 7

    peft = AutoModelForCausalLM.from_pretrained(family_folder("llama"), dtype=torch.float32)
    peft.load_adapter(str(adapter))
    expected = peft.state_dict()
    for name, found in matrices(out).items():
        old = expected.get(f"{name}.base_layer.weight", expected.get(f"{name}.weight"))
        change: float | torch.Tensor = 0.0
        if f"{name}.lora_A.default.weight" in expected:
            change = 2.0 * expected[f"{name}.lora_B.default.weight"] @ expected[f"{name}.lora_A.default.weight"]
        if f"{name}.lora_embedding_A.default" in expected:
            change = (
                2.0 * (expected[f"{name}.lora_embedding_B.default"] @ expected[f"{name}.lora_embedding_A.default"]).t()
            )
        assert old is not None
        assert torch.allclose(found.dense(), old + change, atol=1e-6), name
    before, after = base.read_bytes(), out.read_bytes()
    kept = [t for t in check_gguf(base) if not any(part in t.name for part in TUNED)]
    assert all(before[t.offset : t.offset + t.size] == after[t.offset : t.offset + t.size] for t in kept)
    assert len(before) == len(after)


def test_an_adapter_on_something_else_is_refused(family_file: FamilyFile, tmp_path: Path) -> None:
    """By the name of what the file does not have; an adapter that is not there by its folder."""
    adapter = adapter_on(family_file("llama", "f32"), tmp_path / "adapter", modules=["q_proj"])
    (adapter / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"the adapter is on model.layers.0.self_attn.q_proj, which phi3-f32.gguf"):
        merge_into_gguf(family_file("phi3", "f32"), adapter, tmp_path / "m.gguf")
    words = adapter_on(family_file("qwen2", "f32"), tmp_path / "words", modules=["embed_tokens"])
    with pytest.raises(ModelError, match=r"embed_tokens, which is also the head of qwen2-f32\.gguf"):
        merge_into_gguf(family_file("qwen2", "f32"), words, tmp_path / "m.gguf")
    with pytest.raises(ModelError, match="no adapter here"):
        merge_into_gguf(family_file("phi3", "f32"), tmp_path / "none", tmp_path / "m.gguf")
