"""Adapter + base → one Hugging Face folder, merged in float32 (merging into 4-bit weights would round twice)."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from afina.bases.folder import require_same_base
from afina.bases.load import load_base
from afina.chat.render import load_renderer
from afina.errors import ModelError, in_short
from afina.records import Turn
from afina.store.paths import whole_folder

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "merges.txt", "added_tokens.json",
    "special_tokens_map.json", "chat_template.jinja", "gguf_pre.txt", "generation_config.json",
)  # fmt: skip
"""Copied as they are: saving a tokenizer again may drop `tokenizer.model`, which some converters need."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a file is made of and compared with: a base, with an adapter on it or without; and chats to compare on besides."""

    base: Path
    adapter: Path | None = None
    chats: Sequence[Sequence[Turn]] = ()


def untie(model: Any) -> bool:
    """Give a model whose input and output embeddings are one tensor two; True if they were one.

    An adapter on either of them was trained with the other one unchanged, so merging it into a shared tensor would change
    what the model says: on the word vectors, the head; on the head, the word vectors.
    """
    if not model.config.tie_word_embeddings:
        return False
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    model.config.tie_word_embeddings = False
    return True


def tie_again(model: Any) -> None:
    """One tensor for both embeddings where merging left them equal: a second one would only make the file larger."""
    head, words = model.get_output_embeddings(), model.get_input_embeddings()
    if torch.equal(head.weight, words.weight):
        head.weight = words.weight
        model.config.tie_word_embeddings = True


def with_adapter(model: Any, base: Path, adapter: Path) -> Any:
    """A loaded base with a trained adapter on it, not merged: PEFT's own forward is what training taught.

    Raises:
        ModelError: the adapter is missing, damaged, or of another base.
    """
    if not (adapter / "adapter_config.json").is_file():
        raise ModelError(
            f"{adapter}: no adapter here (adapter_config.json)", remedy="name the folder that `afina train` wrote"
        )
    require_same_base(adapter, base)
    from peft import PeftModel  # 1 s: only where an adapter is merged

    try:
        return PeftModel.from_pretrained(model, str(adapter))
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, SafetensorError) as exc:
        raise ModelError(
            f"{adapter}: the adapter does not fit {base.name}: {in_short(exc)}",
            remedy="merge it into the base it was trained on",
        ) from exc


def merge(base: Path, adapter: Path | None, out: Path) -> None:
    """Write the merged float32 model to `out`. Without an adapter, the base itself.

    Raises:
        ModelError: the adapter is missing, damaged, or of another base.
    """
    model = load_base(base)
    if adapter is not None:
        was_tied = untie(model)
        adapted = with_adapter(model, base, adapter)
        try:
            model = adapted.merge_and_unload(safe_merge=True)
        except (RuntimeError, ValueError) as exc:
            raise ModelError(f"{adapter}: the adapter cannot be merged into {base.name}: {in_short(exc)}") from exc
        if was_tied:
            tie_again(model)
    model.config.use_cache = True
    with whole_folder(out) as partial:
        model.save_pretrained(partial)
        for name in TOKENIZER_FILES:
            if (base / name).is_file():
                shutil.copy(base / name, partial / name)
        keep_template(base, partial)
        drop_empty_template(partial)


def keep_template(base: Path, folder: Path) -> None:
    """Write down a template that was changed for training (see `chat/folding.py`), so that the served file has it too."""
    renderer = load_renderer(base)
    if not renderer.folded:
        return
    (folder / "chat_template.jinja").write_text(renderer.tokenizer.chat_template, "utf-8")
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text("utf-8"))
    config.pop("chat_template", None)
    file.write_text(json.dumps(config, ensure_ascii=False), "utf-8")


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
