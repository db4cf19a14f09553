"""Small random-weight models of the families people tune: real architectures, tokenizer kinds and chat formats.

They know nothing. They show that a family can be trained a step, merged, exported in every quantisation and served
with the same tokens and the same probabilities (`afina parity --matrix`), without downloading gigabytes.
"""

import io
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from tokenizers import AddedToken, normalizers
from transformers import (
    AutoTokenizer,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Ministral3Config,
    Ministral3ForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from afina.bases import semilla
from afina.bases.semilla.sentences import draw_message, read_lexicon
from afina.store.paths import whole_folder

SHAPE: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.08,
}
"""Every row divides by 256, so that each quantisation is met in its own type. Random weights of the usual range 0.02
give almost uniform answers, on which no two implementations can differ visibly; 0.08 gives decided ones."""

IN_TURN = (
    "{%- for message in chat -%}{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}"
    "{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}"
    "{%- endif -%}{%- endfor -%}"
)
SYSTEM_APART = (
    "{%- if messages[0]['role'] == 'system' -%}{%- set told = messages[0]['content'] -%}{%- set chat = messages[1:] -%}"
    "{%- else -%}{%- set told = '' -%}{%- set chat = messages -%}{%- endif -%}"
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
MISTRAL = (
    SYSTEM_APART + IN_TURN + "{{ bos_token }}{% for message in chat %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + (told + '\n\n' if loop.last and told else '') + message['content'] + '[/INST]' }}"
    "{% else %}{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}"
)
MINISTRAL = (
    "{{ bos_token }}"
    + SYSTEM_APART
    + "{%- if told -%}{{ '[SYSTEM_PROMPT]' + told + '[/SYSTEM_PROMPT]' }}{%- endif -%}"
    + IN_TURN
    + "{% for message in chat %}"
    "{% if message['role'] == 'user' %}{{ '[INST]' + message['content'] + '[/INST]' }}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)
PHI3 = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
GEMMA2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{%- set chat = messages -%}" + IN_TURN + "{% for message in messages %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
GEMMA3 = (
    SYSTEM_APART + "{{ bos_token }}" + IN_TURN + "{% for message in chat %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + (told + '\n\n' if loop.first and told else '') + message['content'] | trim"
    " + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""The families' published formats with what they refuse, written anew: Gemma 2 has no system role; Gemma, Mistral and Ministral want user
and assistant in turn; Mistral puts the system text into the last user turn; Qwen2 has a system text of its own; Phi-3 ends a whole chat
with its end of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How to make a small model of a family.

    `pieces` are the control tokens of its chat format; `sentencepiece` says which kind of tokenizer it has (else
    byte-level BPE); `more` is what its configuration has beside the common shape.
    """

    config: Callable[..., Any]
    model: Callable[..., Any]
    template: str
    pieces: tuple[str, ...]
    bos: str
    eos: str
    tokenizer_class: str = "PreTrainedTokenizerFast"
    sentencepiece: bool = False
    strips_right: bool = False
    """Whether control tokens swallow the blanks behind them, as Phi-3's do."""
    prefix_space: bool = False
    """Whether a blank is put in front of every piece of plain text (SentencePiece's dummy prefix)."""
    adds_bos: bool = True
    more: dict[str, Any] = field(default_factory=dict)


YARN = {
    "rope_type": "yarn",
    "rope_theta": 1e6,
    "factor": 4.0,
    "original_max_position_embeddings": 512,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "llama_4_scaling_beta": 0.1,
}
GEMMA_MORE: dict[str, Any] = {"head_dim": 64, "query_pre_attn_scalar": 64, "sliding_window": 512}

FAMILIES: dict[str, Family] = {
    "llama": Family(
        config=LlamaConfig, model=LlamaForCausalLM, template=LLAMA3, bos="<|begin_of_text|>", eos="<|eot_id|>",
        pieces=("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        more={"tie_word_embeddings": False},
    ),
    "mistral": Family(
        config=MistralConfig, model=MistralForCausalLM, template=MISTRAL, bos="<s>", eos="</s>",
        pieces=("[INST]", "[/INST]"), tokenizer_class="LlamaTokenizer", sentencepiece=True,
        more={"sliding_window": None, "head_dim": 64},
    ),
    "ministral": Family(
        config=Ministral3Config, model=Ministral3ForCausalLM, template=MINISTRAL, bos="<s>", eos="</s>",
        pieces=("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
        more={"rope_parameters": YARN, "head_dim": 64, "sliding_window": None},
    ),
    "qwen2": Family(
        config=Qwen2Config, model=Qwen2ForCausalLM, template=QWEN2, bos="", eos="<|im_end|>", pieces=(),
        more={"tie_word_embeddings": True},
    ),
    "qwen3": Family(
        config=Qwen3Config, model=Qwen3ForCausalLM, template=CHATML, bos="", eos="<|im_end|>",
        pieces=("<think>", "</think>"), more={"head_dim": 64, "tie_word_embeddings": True},
    ),
    "phi3": Family(
        config=Phi3Config, model=Phi3ForCausalLM, template=PHI3, bos="<s>", eos="<|endoftext|>",
        pieces=("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        tokenizer_class="LlamaTokenizer", sentencepiece=True, strips_right=True, prefix_space=True, adds_bos=False,
        more={"original_max_position_embeddings": 2048, "sliding_window": 2047},
    ),
    "gemma2": Family(
        config=Gemma2Config, model=Gemma2ForCausalLM, template=GEMMA2, bos="<bos>", eos="<eos>",
        pieces=("<mask>", "<start_of_turn>", "<end_of_turn>"), tokenizer_class="GemmaTokenizer", sentencepiece=True,
        more=GEMMA_MORE,
    ),
    "gemma3": Family(
        config=Gemma3TextConfig, model=Gemma3ForCausalLM, template=GEMMA3, bos="<bos>", eos="<eos>",
        pieces=("<mask>", "<start_of_turn>", "<end_of_turn>"), tokenizer_class="GemmaTokenizer", sentencepiece=True,
        more={**GEMMA_MORE, "num_hidden_layers": 6},
    ),
}  # fmt: skip
"""Gemma 3 has six layers, because the sixth is the first without a window."""


def build_family(name: str, out: Path, *, seed: int = 0) -> None:
    """Write a Hugging Face folder with random weights of a family to `out`."""
    family = FAMILIES[name]
    with whole_folder(out) as partial:
        tokenizer = write_pieces(partial, family) if family.sentencepiece else write_bytes(partial, family)
        (partial / "chat_template.jinja").write_text(family.template, "utf-8")
        torch.manual_seed(seed)
        config = family.config(
            **{**SHAPE, **family.more},
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        family.model(config).float().save_pretrained(partial)


def write_bytes(folder: Path, family: Family) -> Any:
    """A byte-level BPE tokenizer: the built-in base's vocabulary with the family's control tokens."""
    tokenizer: Any = AutoTokenizer.from_pretrained(semilla.FOLDER, local_files_only=True)
    tokenizer.add_tokens([AddedToken(piece, special=True, normalized=False) for piece in family.pieces])
    tokenizer.eos_token = family.eos
    if family.bos:
        tokenizer.bos_token = family.bos
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    names = {key: value for key, value in json.loads(file.read_text("utf-8")).items() if key != "chat_template"}
    # `add_bos_token` is what makes the runtime put it in front of a prompt.
    file.write_text(json.dumps({**names, "add_bos_token": bool(family.bos)}), "utf-8")
    shutil.copy(semilla.FOLDER / "gguf_pre.txt", folder)
    return tokenizer


def write_pieces(folder: Path, family: Family) -> Any:
    """A SentencePiece BPE tokenizer with byte fallback, trained on generated messages."""
    lexicon, rng = read_lexicon(), random.Random(7)
    bos, eos = family.bos, family.eos
    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(draw_message(lexicon, rng).text for _ in range(3000)),
        model_writer=proto,
        model_type="bpe",
        vocab_size=1024,
        byte_fallback=True,
        normalization_rule_name="identity",
        add_dummy_prefix=family.prefix_space,
        remove_extra_whitespaces=False,
        character_coverage=1.0,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        bos_piece=bos,
        eos_piece="</s>" if bos == "<s>" else "<eos>",
        control_symbols=[],
        user_defined_symbols=list(family.pieces),
        num_threads=1,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(proto.getvalue())
    # Converters and tokenizers learn from this table which pieces are control tokens.
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.getvalue())
    pieces = {
        str(processor.piece_to_id(piece)): {
            "content": piece,
            "special": True,
            "rstrip": family.strips_right,
            "lstrip": False,
            "normalized": False,
            "single_word": False,
        }
        for piece in family.pieces
    }
    names = {
        "added_tokens_decoder": pieces,
        "tokenizer_class": family.tokenizer_class,
        "bos_token": bos,
        "eos_token": eos,
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "add_bos_token": family.adds_bos,
        "legacy": family.prefix_space,
        "add_prefix_space": family.prefix_space,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")
    (folder / "config.json").write_text(json.dumps({"model_type": family.config().model_type}), "utf-8")
    return (
        prepend_blanks(folder) if family.prefix_space else AutoTokenizer.from_pretrained(folder, local_files_only=True)
    )


def prepend_blanks(folder: Path) -> Any:
    """Write the tokenizer.json of a SentencePiece tokenizer with a dummy prefix, as Llama-2's and Phi-3's folders have it.

    Without the file the library puts the blank before the first piece of a text only, llama.cpp behind every control
    token too.
    """
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.backend_tokenizer.pre_tokenizer = None
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
