"""Adapter + base → one Hugging Face folder, merged in float32 (merging into 4-bit weights would round twice)."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError

from afina.bases.folder import require_same_base
from afina.bases.load import load_base
from afina.errors import ModelError
from afina.store.paths import whole_folder

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "merges.txt", "added_tokens.json",
    "special_tokens_map.json", "chat_template.jinja", "gguf_pre.txt", "generation_config.json",
)  # fmt: skip
"""Copied as they are: saving a tokenizer again may drop `tokenizer.model`, which some converters need."""


def untie(model: Any) -> None:
    """Give a model whose input and output embeddings are one tensor two: an adapter on the input one was trained with
    the output one unchanged, so merging into a shared tensor would change what the model says.
    """
    if not model.config.tie_word_embeddings:
        return
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False


def merge(base: Path, adapter: Path | None, out: Path) -> None:
    """Write the merged float32 model to `out`. Without an adapter, the base itself.

    Raises:
        ModelError: the adapter is missing, damaged, or of another base.
    """
    model = load_base(base)
    if adapter is not None:
        if not (adapter / "adapter_config.json").is_file():
            raise ModelError(
                f"{adapter}: no adapter here (adapter_config.json)", remedy="name the folder that `afina train` wrote"
            )
        require_same_base(adapter, base)
        if "embed_tokens" in json.loads((adapter / "adapter_config.json").read_text("utf-8")).get("target_modules", []):
            untie(model)
        try:
            model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
        except (OSError, RuntimeError, ValueError, SafetensorError) as exc:
            raise ModelError(
                f"{adapter}: the adapter does not fit {base.name}: {str(exc).splitlines()[0]}",
                remedy="merge it into the base it was trained on",
            ) from exc
    model.config.use_cache = True
    with whole_folder(out) as partial:
        model.save_pretrained(partial)
        for name in TOKENIZER_FILES:
            if (base / name).is_file():
                shutil.copy(base / name, partial / name)
        drop_empty_template(partial)


def drop_empty_template(folder: Path) -> None:
    """Take `"chat_template": null` out of tokenizer_config.json: the converter would prefer it to chat_template.jinja, and
    the runtime would then quietly serve ChatML.
    """
    file = folder / "tokenizer_config.json"
    if not file.is_file():
        return
    config = json.loads(file.read_text("utf-8"))
    if "chat_template" in config and config["chat_template"] is None:
        del config["chat_template"]
        file.write_text(json.dumps(config, ensure_ascii=False), "utf-8")
