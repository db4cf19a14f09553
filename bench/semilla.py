"""Is the built-in base worth starting from? The learning curve on the 15 banking intents of clinc150.

    python -m bench.semilla [--data ../shared/data] [--base FOLDER]

At 50, 150, 500 and 1,500 messages the base and the same architecture from random weights are tuned in full, by the same
loop for the same number of steps (one architecture, so equal steps are equal time). The base's matrices are first shrunk to
0.3 of themselves (Ash & Adams 2020, "On Warm-Starting Neural Network Training"): sharp attention and confident answers of
the old tasks are in the way of a new one; see docs/lab-notes.md. At 1,500 also LoRA with embeddings;
beside them the untuned base and TF-IDF + logistic regression. All are scored on the 300 validation messages: greedy,
only the 15 labels allowed, every token of the label decided by the model. Prints one JSON line; ≤ 10 minutes of two cores
a tuning, about 25 in all.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import Qwen2ForCausalLM

from afina.bases import semilla
from afina.bases.load import load_base
from afina.bases.semilla.pretrain import semilla_config
from afina.chat.render import Rendered, Renderer, load_renderer
from afina.evaluate.baselines import tfidf_logreg
from afina.records import Turn
from afina.sameness import composed
from afina.settings import read_train_settings
from afina.tasks.classify import write_labels
from afina.train.allocator import keep_freed_memory
from afina.train.encode import batch_order, encode_chats
from afina.train.loop import schedule
from afina.train.model import add_adapter

IGNORED = -100
FIELD = ("intent",)
PROMPT = "Clasifica el mensaje. Campos: intent."
"""The prompt that the product makes for this field in Spanish."""
EPOCHS = {50: 60, 150: 40, 500: 25, 1500: 15}
LORA_EPOCHS = 25
BATCH = 16
FULL_RATE = 1e-3
SHRINK = 0.3
Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Arm:
    """One tuned model's result: share of right labels, seconds of training."""

    accuracy: float
    seconds: float


def read_banking(data: Path) -> tuple[Rows, Rows]:
    """Training and validation rows of the banking domain, the training rows in a fixed order that favours no label."""
    intents = set(json.loads((data / "domains.json").read_text("utf-8"))["banking"])
    parts = json.loads((data / "data_full_train_val.json").read_text("utf-8"))
    train, held_out = ([(text, label) for text, label in parts[name] if label in intents] for name in ("train", "val"))
    rng = random.Random(1)
    by_label = {label: [row for row in train if row[1] == label] for label in sorted(intents)}
    for rows in by_label.values():
        rng.shuffle(rows)
    return [rows[at] for at in range(len(train) // len(intents)) for rows in by_label.values()], held_out


def chat(text: str, label: str) -> tuple[Turn, ...]:
    """A message and its label as the product trains them."""
    return (*asked(text), Turn("assistant", write_labels({"intent": label}, FIELD)))


def asked(text: str) -> tuple[Turn, ...]:
    """A message as the product asks it."""
    return (Turn("system", PROMPT), Turn("user", composed(text)))


def collate(rows: Sequence[Rendered]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, attention and targets (B, T), padded on the right; the product's trainer packs, but only adapters."""
    width = max(len(row.ids) for row in rows)
    ids, attention = torch.zeros((2, len(rows), width), dtype=torch.int64)
    targets = torch.full((len(rows), width), IGNORED)
    for at, row in enumerate(rows):
        length = len(row.ids)
        ids[at, :length] = torch.tensor(row.ids)
        attention[at, :length] = 1
        targets[at, : length - 1] = torch.where(torch.tensor(row.supervised[1:]), ids[at, 1:length], IGNORED)
    return ids, attention, targets


def tune(model: Any, renderer: Renderer, rows: Rows, *, epochs: int, rate: float) -> float:
    """Train whatever of the model wants gradients; the product's batches, loss and schedule. Returns seconds."""
    torch.manual_seed(0)
    data = encode_chats([chat(*row) for row in rows], renderer, max_tokens=512)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    order = [rows for epoch in range(epochs) for rows in batch_order(len(data), batch_size=BATCH, seed=0, epoch=epoch)]
    began = time.monotonic()
    model.train()
    for step, chosen in enumerate(order):
        for group in optimizer.param_groups:
            group["lr"] = rate * schedule(step, steps=len(order), warmup=20)
        ids, attention, targets = collate([data[at] for at in chosen])
        keep = (targets != IGNORED).any(dim=0).nonzero().squeeze(1)
        logits = model(input_ids=ids, attention_mask=attention, logits_to_keep=keep, use_cache=False).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), targets[:, keep].flatten(), ignore_index=IGNORED)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.monotonic() - began


@torch.no_grad()
def accuracy(model: Any, renderer: Renderer, rows: Rows, labels: Sequence[str]) -> float:
    """Share of rows whose greedily written label, out of the allowed ones, is right."""
    model.eval()
    answers = [renderer.ids(write_labels({"intent": label}, FIELD)) for label in labels]
    right = 0
    for at in range(0, len(rows), 50):
        some = rows[at : at + 50]
        prompts = [renderer.ids(renderer.prompt(asked(text))) for text, _ in some]
        written: list[list[int]] = [[] for _ in some]
        while True:
            open_rows = [
                n for n, done in enumerate(written) if len({tuple(a) for a in answers if a[: len(done)] == done}) > 1
            ]
            if not open_rows:
                break
            ids = [prompts[n] + written[n] for n in open_rows]
            width = max(map(len, ids))
            padded = torch.tensor([[*row, *[0] * (width - len(row))] for row in ids])
            hidden = model.get_decoder()(input_ids=padded, use_cache=False).last_hidden_state
            last = hidden[torch.arange(len(ids)), torch.tensor([len(row) - 1 for row in ids])]
            logits = model.get_output_embeddings()(last)
            for n, scores in zip(open_rows, logits, strict=True):
                done = written[n]
                allowed = sorted({a[len(done)] for a in answers if a[: len(done)] == done and len(a) > len(done)})
                written[n] = [*done, max(allowed, key=lambda token: float(scores[token]))]
        for (_, label), done in zip(some, written, strict=True):
            chosen = next(labels[n] for n, answer in enumerate(answers) if answer[: len(done)] == done)
            right += chosen == label
    return right / len(rows)


def random_weights() -> Any:
    """The base's architecture, untaught."""
    torch.manual_seed(0)
    return Qwen2ForCausalLM(semilla_config()).float()


def shrunk(base: Path) -> Any:
    """The base with every matrix at `SHRINK` of its size: its directions stay, its confidence goes."""
    model = load_base(base)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.mul_(SHRINK)
    return model


def run(base: Path, train: Rows, held_out: Rows) -> dict[str, Any]:
    """Every arm."""
    renderer = load_renderer(base)
    labels = sorted({label for _, label in train})
    settings = read_train_settings(semilla.TRAINING)
    curve: dict[str, dict[str, float]] = {}

    def arm(model: Any, rows: Rows, *, epochs: int, rate: float) -> Arm:
        seconds = tune(model, renderer, rows, epochs=epochs, rate=rate)
        return Arm(accuracy(model, renderer, held_out, labels), seconds)

    for size, epochs in EPOCHS.items():
        rows = train[:size]
        tuned = arm(shrunk(base), rows, epochs=epochs, rate=FULL_RATE)
        fresh = arm(random_weights(), rows, epochs=epochs, rate=FULL_RATE)
        texts, wanted = [text for text, _ in rows], [label for _, label in rows]
        said = tfidf_logreg(texts, wanted, [text for text, _ in held_out])
        tfidf = sum(a == b for a, (_, b) in zip(said, held_out, strict=True)) / len(held_out)
        curve[str(size)] = {
            "base_tuned": round(tuned.accuracy, 4),
            "random_init": round(fresh.accuracy, 4),
            "tfidf": round(tfidf, 4),
            "gain": round(100 * (tuned.accuracy - fresh.accuracy), 1),
            "seconds": round(tuned.seconds),
            "random_seconds": round(fresh.seconds),
        }
        sys.stderr.write(f"{size}: {curve[str(size)]}\n")
    adapted = add_adapter(load_base(base), settings.lora, base=str(base))
    lora = arm(adapted, train, epochs=LORA_EPOCHS, rate=settings.training.learning_rate)
    return {
        "acc_1500": curve["1500"]["base_tuned"],
        "acc_lora_1500": round(lora.accuracy, 4),
        "acc_base": round(accuracy(load_base(base), renderer, held_out, labels), 4),
        "acc_tfidf": curve["1500"]["tfidf"],
        "acc_random_init_1500": curve["1500"]["random_init"],
        "gain_50": curve["50"]["gain"],
        "gain_150": curve["150"]["gain"],
        "gain_500": curve["500"]["gain"],
        "lora_seconds": round(lora.seconds),
        "held_out": len(held_out),
        "curve": curve,
    }


def main() -> None:
    """Read, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1].parent / "shared" / "data")
    parser.add_argument("--base", type=Path, default=semilla.FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(2)
    keep_freed_memory()
    train, held_out = read_banking(options.data / "clinc150_en")
    sys.stdout.write(json.dumps(run(options.base, train, held_out)) + "\n")


if __name__ == "__main__":
    main()
