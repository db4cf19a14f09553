"""stories260K → a Hugging Face folder: a small real Llama that nobody here trained.

Reads llama2.c's legacy layout (7 int32, then float32 tensors) and its tokenizer (score, length, bytes of each piece).
Source of both layouts: karpathy/llama2.c, export.py and tokenizer.py.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentencepiece import sentencepiece_model_pb2
from transformers import LlamaConfig, LlamaForCausalLM

from afina.bases.families import prepend_blanks

spm: Any = sentencepiece_model_pb2  # made at run time from its descriptor: no type checker sees inside
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\n' }}{% endif %}{% endfor %}"
)
"""It was taught stories, not chats: a template of our own, so that the whole path can be walked."""


def build_stories(source: Path, out: Path) -> None:
    """Write the folder."""
    out.mkdir(parents=True)
    write_tokenizer(source / "tokenizer.bin", out)
    raw = (source / "checkpoint_legacy.bin").read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack("7i", raw[:28])
    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=dim,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    model = LlamaForCausalLM(config)
    model.load_state_dict(read_weights(np.frombuffer(raw[28:], dtype=np.float32), config), strict=False)
    model.save_pretrained(out)


def read_weights(flat: np.ndarray[Any, np.dtype[np.float32]], config: Any) -> dict[str, torch.Tensor]:
    """The tensors by Hugging Face's names."""
    at = 0

    def take(*shape: int) -> torch.Tensor:
        nonlocal at
        size = int(np.prod(shape))
        at += size
        return torch.tensor(flat[at - size : at].reshape(shape))

    dim, hidden, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    kv = dim // config.num_attention_heads * config.num_key_value_heads
    embedding = take(config.vocab_size, dim)
    shapes = {
        "input_layernorm": (dim,),
        "self_attn.q_proj": (dim, dim),
        "self_attn.k_proj": (kv, dim),
        "self_attn.v_proj": (kv, dim),
        "self_attn.o_proj": (dim, dim),
        "post_attention_layernorm": (dim,),
        "mlp.gate_proj": (hidden, dim),
        "mlp.down_proj": (dim, hidden),
        "mlp.up_proj": (hidden, dim),
    }
    stacked = {name: take(layers, *shape) for name, shape in shapes.items()}
    weights = {"model.embed_tokens.weight": embedding, "lm_head.weight": embedding, "model.norm.weight": take(dim)}
    for name, tensor in stacked.items():
        for layer in range(layers):
            part = tensor[layer]
            if name.endswith(("q_proj", "k_proj")):
                part = halves(part, heads=part.shape[0] // (dim // config.num_attention_heads))
            weights[f"model.layers.{layer}.{name}.weight"] = part.contiguous()
    return weights


def halves(weight: torch.Tensor, *, heads: int) -> torch.Tensor:
    """llama2.c rotates neighbouring pairs of a head, Hugging Face its two halves."""
    rows, columns = weight.shape
    return weight.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)


def write_tokenizer(source: Path, out: Path) -> None:
    """tokenizer.bin → tokenizer.model, its configuration, the template."""
    raw = source.read_bytes()
    at, pieces = 4, []
    while at < len(raw):
        score, length = struct.unpack_from("fi", raw, at)
        pieces.append((raw[at + 8 : at + 8 + length].decode("utf-8", errors="replace"), score))
        at += 8 + length
    model = spm.ModelProto()
    model.trainer_spec.model_type = spm.TrainerSpec.BPE
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.vocab_size = len(pieces)
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = False
    kinds = spm.ModelProto.SentencePiece
    for number, (text, score) in enumerate(pieces):
        byte = text.startswith("<0x") and text.endswith(">")
        kind = kinds.UNKNOWN if number == 0 else kinds.CONTROL if number < 3 else kinds.BYTE if byte else kinds.NORMAL
        name = ["<unk>", "<s>", "</s>"][number] if number < 3 else text.replace(" ", "▁")
        model.pieces.add(piece=name, score=score, type=kind)
    (out / "tokenizer.model").write_bytes(model.SerializeToString())
    names = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<unk>",
        "add_bos_token": True,
        "legacy": True,
        "add_prefix_space": True,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")
    (out / "config.json").write_text(json.dumps({"model_type": "llama"}), "utf-8")
    (out / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    prepend_blanks(out)
