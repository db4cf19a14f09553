"""Generated text → the built-in base's weights: one visible loop, from scratch, reproducible from a seed.

The model is a small Qwen2 (the architecture of `Qwen/Qwen2.5-*`), so everything downstream runs the code that a
downloaded base runs. Matrices are trained with Muon (Jordan et al. 2024), the rest with AdamW.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from afina.bases.semilla.diversity import diversity
from afina.bases.semilla.grammar import Language
from afina.bases.semilla.sentences import Lexicon, draw_message, read_lexicon
from afina.bases.semilla.tasks import TASKS, Task, classify, draw_example, draw_prose, label_one
from afina.bases.semilla.tokenizer import CHAT_TEMPLATE, END_OF_TEXT, TURN_END, train_tokenizer

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides the built-in base's weights."""

    seed: int = 20261121
    steps: int = 6000
    rows: int = 32
    max_tokens: int = 256
    tokenizer_texts: int = 60_000
    prose_share: float = 0.1
    full_text_share: float = 0.2
    lessons: tuple[tuple[str, float], ...] = (("label", 0.1), ("classify", 0.2), ("mixture", 0.7))
    """What is taught in which share of the steps. From short to long: on the mixture alone the model learns the form of
    answers and stays there; naming one thing in a message breaks that plateau (docs/lab-notes.md)."""
    rate: float = 3e-3
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


@dataclass(frozen=True, slots=True)
class Document:
    """Token ids and, of the same length, whether each belongs to an answer."""

    ids: list[int]
    answer: list[bool]


LANGUAGES: tuple[Language, ...] = ("es", "en")
LESSONS: dict[str, Task] = {"label": label_one, "classify": classify, "mixture": draw_example}
KINDS: dict[str, Task] = {task.__name__: task for task, _ in TASKS}
HELD_OUT_DOCUMENTS = 256


def plain_text(
    lexicon: Lexicon, rng: random.Random, *, lesson: str, prose_share: float = 0.0
) -> list[tuple[str, bool]]:
    """One training text in pieces, each with whether it is an answer: a chat in the served template, or prose."""
    if rng.random() < prose_share:
        return [(draw_prose(lexicon, rng) + END_OF_TEXT, True)]
    pieces: list[tuple[str, bool]] = []
    for turn in (LESSONS | KINDS)[lesson](lexicon, rng):
        is_answer = turn["role"] == "assistant"
        pieces += [(f"<|im_start|>{turn['role']}\n", False), (turn["content"] + TURN_END, is_answer), ("\n", False)]
    return pieces


def documents(
    lexicon: Lexicon, tokenizer: PreTrainedTokenizerFast, *, seed: int, lesson: str, prose_share: float = 0.0
) -> Iterator[Document]:
    """Endless training documents."""
    rng = random.Random(seed)
    while True:
        ids: list[int] = []
        answer: list[bool] = []
        for text, is_answer in plain_text(lexicon, rng, lesson=lesson, prose_share=prose_share):
            piece = tokenizer(text, add_special_tokens=False)["input_ids"]
            ids += piece
            answer += [is_answer] * len(piece)
        yield Document(ids, answer)


def batches(
    source: Iterator[Document], *, rows: int, max_tokens: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Documents of similar length side by side, each in a row of its own.

    Not laid end to end: attention that starts out uniform then already sees the words of its own message only, and
    a model this small learns to read its prompt in hundreds of steps instead of never (docs/lab-notes.md).

    Yields ids (rows, T) int64 and answer mask (rows, T) bool; padding is 0 and False.
    """
    rng = random.Random(seed)
    while True:
        window = sorted((next(source) for _ in range(rows * 16)), key=lambda d: len(d.ids))
        groups = [window[at : at + rows] for at in range(0, len(window), rows)]
        rng.shuffle(groups)
        for group in groups:
            width = min(max_tokens, len(group[-1].ids))
            ids = torch.zeros((rows, width), dtype=torch.int64)
            answer = torch.zeros((rows, width), dtype=torch.bool)
            for at, document in enumerate(group):
                length = min(width, len(document.ids))
                ids[at, :length] = torch.tensor(document.ids[:length])
                answer[at, :length] = torch.tensor(document.answer[:length])
            yield ids, answer


def mean_loss(model: Qwen2ForCausalLM, ids: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the next tokens that are wanted (bool, same shape as ids); only their logits are made."""
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    chosen = wanted[:, 1:]
    return functional.cross_entropy(model.lm_head(hidden[chosen]), ids[:, 1:][chosen])


def optimizers(model: Qwen2ForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings, norms and biases."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    rest = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=recipe.rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=recipe.rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def lesson_stream(
    lexicon: Lexicon, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, *, lesson: str, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of one lesson; prose belongs to the mixture only."""
    prose_share = recipe.prose_share if lesson == "mixture" else 0.0
    source = documents(lexicon, tokenizer, seed=recipe.seed + seed, lesson=lesson, prose_share=prose_share)
    return batches(source, rows=recipe.rows, max_tokens=recipe.max_tokens, seed=seed)


def lesson_at(step: int, *, recipe: Recipe) -> str:
    """The lesson of a step."""
    until = 0.0
    for name, part in recipe.lessons:
        until += part * recipe.steps
        if step < until:
            return name
    return recipe.lessons[-1][0]


def rate(step: int, *, recipe: Recipe) -> float:
    """Linear warm-up, then linear decay to zero over the last 60 % of the steps."""
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    return min(1.0, (recipe.steps - step) / (0.6 * recipe.steps))


@torch.no_grad()
def perplexity(model: Qwen2ForCausalLM, stream: Iterator[tuple[torch.Tensor, torch.Tensor]], *, count: int) -> float:
    """Perplexity per answer token over the next batches of a stream."""
    total = tokens = 0.0
    for ids, answer in (next(stream) for _ in range(count)):
        wanted = int(answer[:, 1:].sum())
        total += float(mean_loss(model, ids, answer)) * wanted
        tokens += wanted
    return round(math.exp(total / tokens), 3)


def perplexities(
    model: Qwen2ForCausalLM, lexicon: Lexicon, tokenizer: PreTrainedTokenizerFast, recipe: Recipe
) -> dict[str, float]:
    """Held-out perplexity per answer token, per kind of text: each task, plain prose, and the mixture of all."""
    found = {}
    for at, (kind, prose_share) in enumerate([*((name, 0.0) for name in KINDS), ("prose", 1.0), ("mixture", 0.1)]):
        lesson = "mixture" if kind == "prose" else kind
        source = documents(lexicon, tokenizer, seed=recipe.seed + 90 + at, lesson=lesson, prose_share=prose_share)
        stream = batches(source, rows=recipe.rows, max_tokens=recipe.max_tokens, seed=at)
        found[kind] = perplexity(model, stream, count=HELD_OUT_DOCUMENTS // recipe.rows)
    return found


def pretrain(recipe: Recipe, *, out: Path, on_step: Progress) -> dict[str, object]:
    """Train tokenizer and model and write an HF folder with a card to `out`.

    Weights are stored in float16 (about 11 MB); compute is float32.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    lexicon = read_lexicon()
    rng = random.Random(recipe.seed)
    pieces = (
        plain_text(lexicon, rng, lesson="mixture", prose_share=recipe.prose_share)
        for _ in range(recipe.tokenizer_texts)
    )
    tokenizer = train_tokenizer("".join(text for text, _ in parts) for parts in pieces)
    model = Qwen2ForCausalLM(semilla_config()).float()
    streams = {
        name: lesson_stream(lexicon, tokenizer, recipe, lesson=name, seed=at) for at, name in enumerate(LESSONS, 1)
    }
    opts = optimizers(model, recipe)
    peaks = [opt.param_groups[0]["lr"] for opt in opts]
    began = time.monotonic()
    seen = 0
    for step in range(recipe.steps):
        lesson = lesson_at(step, recipe=recipe)
        ids, answer = next(streams[lesson])
        wanted = ids > 0 if rng.random() < recipe.full_text_share else answer
        for opt, peak in zip(opts, peaks, strict=True):
            opt.param_groups[0]["lr"] = peak * rate(step, recipe=recipe)
        loss = mean_loss(model, ids, wanted)
        loss.backward()
        seen += int((ids > 0).sum())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for opt in opts:
            opt.step()
            opt.zero_grad(set_to_none=True)
        on_step(step + 1, recipe.steps, float(loss.detach()))
    card: dict[str, object] = {
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens_seen": seen,
        "seconds": round(time.monotonic() - began),
        "held_out_perplexity": perplexities(model, lexicon, tokenizer, recipe),
        "diversity": {
            language: diversity(draw_message(lexicon, rng, language=language).text for _ in range(20_000))
            for language in LANGUAGES
        },
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
