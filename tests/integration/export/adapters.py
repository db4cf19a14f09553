"""Adapters as training leaves them, with a change that can be seen."""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

from afina.bases.folder import base_mark
from afina.runtime.gguf_model import decoded_model


def adapter_on(base: Path, out: Path, *, modules: list[str], size: float = 0.05) -> Path:
    """A LoRA adapter with random numbers on a GGUF's model."""
    torch.manual_seed(2)
    model = get_peft_model(decoded_model(base), LoraConfig(r=4, lora_alpha=8, target_modules=modules))
    for name, weight in model.named_parameters():
        if "lora_B" in name or "lora_embedding" in name:
            torch.nn.init.normal_(weight, std=size)
    model.save_pretrained(str(out), save_embedding_layers=False)
    (out / "manifest.json").write_text(json.dumps({"base_mark": base_mark(base)}), "utf-8")
    return out
