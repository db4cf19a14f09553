"""Generated text → the built-in base's weights: one visible loop, from scratch, reproducible from a seed.

The model is a small Qwen2 (the architecture of `Qwen/Qwen2.5-*`), so everything downstream runs the code that a
downloaded base runs. Matrices are trained with Muon (Jordan et al. 2024), the rest with AdamW.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from afina.semilla.sentences import Lexicon, read_lexicon
from afina.semilla.tasks import draw_example, draw_prose
from afina.semilla.tokenizer import CHAT_TEMPLATE, END_OF_TEXT, TURN_END, train_tokenizer

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides the built-in base's weights."""

    seed: int = 20261121
    steps: int = 1000
    rows: int = 12
    row_tokens: int = 512
    tokenizer_texts: int = 60_000
    prose_share: float = 0.1
    muon_lr: float = 0.02
    adamw_lr: float = 3e-3
    warmup_steps: int = 50
    threads: int = 2


def semilla_config(*, vocab_size: int = 8192, context: int = 2048) -> Qwen2Config:
    """The architecture: every row length is a multiple of 256, so that no K-quant falls back to another type."""
    return Qwen2Config(
        vocab_size=vocab_size,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )


def texts(lexicon: Lexicon, *, seed: int, prose_share: float) -> Iterator[str]:
    """Endless training documents: chat examples in the served template, and plain paragraphs."""
    rng = random.Random(seed)
    while True:
        if rng.random() < prose_share:
            yield draw_prose(lexicon, rng) + END_OF_TEXT
            continue
        talk = draw_example(lexicon, rng)
        yield "".join(f"<|im_start|>{t['role']}\n{t['content']}{TURN_END}\n" for t in talk) + END_OF_TEXT


def batches(
    tokenizer: PreTrainedTokenizerFast, documents: Iterator[str], *, rows: int, row_tokens: int
) -> Iterator[torch.Tensor]:
    """Documents laid end to end. Yields int64 of shape (rows, row_tokens)."""
    buffer: list[int] = []
    need = rows * row_tokens
    while True:
        while len(buffer) < need:
            chunk = [next(documents) for _ in range(256)]
            for ids in tokenizer(chunk, add_special_tokens=False)["input_ids"]:
                buffer.extend(ids)
        yield torch.tensor(buffer[:need], dtype=torch.int64).view(rows, row_tokens)
        del buffer[:need]


def optimizers(model: Qwen2ForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings, norms and biases."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    rest = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=recipe.muon_lr, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=recipe.adamw_lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate(step: int, *, recipe: Recipe) -> float:
    """Linear warm-up, then linear decay to zero over the last 60 % of the steps."""
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    return min(1.0, (recipe.steps - step) / (0.6 * recipe.steps))


@torch.no_grad()
def perplexity(model: Qwen2ForCausalLM, batch: torch.Tensor) -> float:
    """Perplexity of one held-out batch of shape (rows, row_tokens)."""
    model.eval()
    loss = model(input_ids=batch, labels=batch).loss
    model.train()
    return float(loss.exp())


def pretrain(recipe: Recipe, *, out: Path, on_step: Progress) -> dict[str, object]:
    """Train tokenizer and model and write an HF folder with a card to `out`.

    Weights are stored in float16 (about 11 MB); compute is float32.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    lexicon = read_lexicon()
    sample = texts(lexicon, seed=recipe.seed, prose_share=recipe.prose_share)
    tokenizer = train_tokenizer(next(sample) for _ in range(recipe.tokenizer_texts))
    model = Qwen2ForCausalLM(semilla_config()).float()
    stream = batches(
        tokenizer,
        texts(lexicon, seed=recipe.seed + 1, prose_share=recipe.prose_share),
        rows=recipe.rows,
        row_tokens=recipe.row_tokens,
    )
    held_out = next(
        batches(tokenizer, texts(lexicon, seed=recipe.seed + 2, prose_share=recipe.prose_share), rows=16, row_tokens=512)
    )
    opts = optimizers(model, recipe)
    peaks = [opt.param_groups[0]["lr"] for opt in opts]
    began = time.monotonic()
    for step in range(recipe.steps):
        batch = next(stream)
        for opt, peak in zip(opts, peaks, strict=True):
            opt.param_groups[0]["lr"] = peak * rate(step, recipe=recipe)
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for opt in opts:
            opt.step()
            opt.zero_grad(set_to_none=True)
        on_step(step + 1, recipe.steps, float(loss.detach()))
    card: dict[str, object] = {
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens_seen": recipe.steps * recipe.rows * recipe.row_tokens,
        "held_out_perplexity": round(perplexity(model, held_out), 3),
        "seconds": round(time.monotonic() - began),
    }
    save(model, tokenizer, out=out, card=card)
    return card


def save(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, *, out: Path, card: dict[str, object]) -> None:
    """Write the HF folder: weights in float16, tokenizer with its template, the pre-tokeniser's name, the card."""
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "chat_template.jinja").write_text(CHAT_TEMPLATE, "utf-8")
    (out / "gguf_pre.txt").write_text("qwen2\n", "utf-8")
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
