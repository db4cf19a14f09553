"""What families keep in keys and tensors of their own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from afina.export.export import Conversion, convert
from afina.runtime.gguf_model import decoded_model
from tests.integration.conftest import FamilyFolder
from tests.integration.runtime.test_gguf_model import logits

LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
LONGROPE = {
    "rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 1024,
    "short_factor": [1 + n / 16 for n in range(32)], "long_factor": [2 + n for n in range(32)], "partial_rotary_factor": 1.0,
}  # fmt: skip
LINEAR = {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}
GEMMA = {"full_attention": {**LINEAR, "factor": 8.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}


@pytest.mark.parametrize(
    ("family", "rope"),
    [("llama", LLAMA3), ("phi3", LONGROPE), ("qwen2", LINEAR), ("gemma3", GEMMA)],
    ids=["llama3", "longrope", "linear", "gemma3"],
)
def test_rotary_embeddings_are_scaled_as_in_its_folder(
    family: str, rope: dict[str, Any], family_folder: FamilyFolder, tmp_path: Path
) -> None:
    """Factors in keys and in tensors of their own."""
    folder = tmp_path / family
    shutil.copytree(family_folder(family), folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    more = {"original_max_position_embeddings": 1024} if family == "phi3" else {}
    (folder / "config.json").write_text(json.dumps({**config, **more, "rope_parameters": rope}), "utf-8")
    gguf = tmp_path / "m.gguf"
    convert(folder, gguf, Conversion(name=family))
    expected = logits(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))
    plain = logits(AutoModelForCausalLM.from_pretrained(family_folder(family), dtype=torch.float32))

    assert torch.allclose(logits(decoded_model(gguf)), expected, atol=1e-4)
    assert not torch.allclose(plain, expected, atol=1e-2)
