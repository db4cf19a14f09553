"""Are the engine's gradients the true ones? Every family against transformers + PEFT, one example at a time.

    python -m bench.train_exact [--steps 200] [--model DIR --rows F.jsonl]

float32, dropout off, random A and B, ragged lengths, prefixes nested in prefixes. The reference is the model's own forward
pass with its own attention, autograd, and cross-entropy over all logits. Then two trainings of the built-in base on the same
batches, the engine's and the reference loop's: held-out loss after `--steps` steps. Prints one JSON line with
`max_grad_rel_err` (global, over all families), the worst single tensor, and both losses.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from afina.bases import semilla
from afina.bases.families import FAMILIES, build_family
from afina.bases.load import load_base
from afina.chat.render import Rendered, load_renderer
from afina.files import read_chats
from afina.settings import LoraSettings
from afina.train.encode import encode_chats
from afina.train.engine import Engine, backward
from afina.train.model import add_adapter
from afina.train.packing import pack

SAMPLE = Path(str(resources.files("afina.demo").joinpath("sample", "conversations.jsonl")))
LORA = LoraSettings(r=8, lora_alpha=16, lora_dropout=0.0)


def nested_examples(vocabulary: int, *, seed: int, count: int = 9) -> list[Rendered]:
    """Random tokens: one beginning for all, a longer one for each three, ends of 3 to 40 tokens, one example twice."""
    rng = random.Random(seed)

    def draw(n: int) -> list[int]:
        return [rng.randrange(5, vocabulary) for _ in range(n)]

    system, shots = draw(21), [draw(12), draw(30), draw(9)]
    examples = []
    for at in range(count):
        start, end = [*system, *shots[at % 3]], draw(rng.randint(3, 40))
        flags = [at % 4 == 0 and n > len(system) for n in range(len(start))]
        examples.append(Rendered((*start, *end), (*flags, *(rng.random() < 0.6 for _ in end[:-1]), True)))
    return [*examples, examples[0], Rendered(tuple(draw(150)), (False,) * 100 + (True,) * 50)]


def randomised(model: Any, *, seed: int) -> Any:
    """A fresh adapter has B = 0, where half of the gradients vanish: draw both."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.05
    return model


def reference_loss(model: Any, example: Rendered) -> torch.Tensor:
    """Summed cross-entropy of one example by the library alone."""
    ids = torch.tensor([example.ids])
    targets = torch.where(torch.tensor([example.supervised]), ids, -100)[0, 1:]
    logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
    return functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")


def gradients(model: Any) -> dict[str, torch.Tensor]:
    """Name → gradient of every trained parameter; emptied on the way."""
    found = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            found[name] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
            parameter.grad = None
    return found


def compare(folder: Path, examples: Sequence[Rendered], *, lora: LoraSettings = LORA) -> dict[str, float]:
    """Relative errors of the engine's gradient against the reference: global, worst tensor, and of the loss."""
    model = randomised(add_adapter(load_base(folder), lora, base=str(folder)), seed=1).eval()
    supervised = sum(sum(example.supervised[1:]) for example in examples)
    loss = 0.0
    for example in examples:
        one = reference_loss(model, example) / supervised
        one.backward()
        loss += float(one.detach())
    wanted = gradients(model)
    got_loss = backward(Engine(model), [pack(examples)])
    got = gradients(model)
    difference = sum(float((got[n] - g).square().sum()) for n, g in wanted.items()) ** 0.5
    norm = sum(float(g.square().sum()) for g in wanted.values()) ** 0.5
    worst = max(float((got[n] - g).norm() / g.norm().clamp_min(1e-12)) for n, g in wanted.items())
    return {"global": difference / norm, "tensor": worst, "loss": abs(got_loss - loss) / abs(loss)}


def train_beside(folder: Path, rows: Sequence[Rendered], *, steps: int, batch: int = 4) -> dict[str, float]:
    """Two trainings from the same weights on the same batches: held-out nats per supervised token of each."""
    held_out, learnt = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    order = random.Random(0)
    batches = [order.sample(learnt, batch) for _ in range(steps)]
    found = {}
    for name in ("ours", "reference"):
        torch.manual_seed(0)
        model = add_adapter(load_base(folder), LORA, base=str(folder)).eval()
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-3)
        engine = Engine(model) if name == "ours" else None
        for chosen in batches:
            if engine:
                backward(engine, [pack(chosen)])
            else:
                supervised = sum(sum(row.supervised[1:]) for row in chosen)
                for row in chosen:
                    (reference_loss(model, row) / supervised).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            total = (
                float(engine.loss(pack(held_out))) if engine else sum(float(reference_loss(model, r)) for r in held_out)
            )
        found[name] = total / sum(sum(row.supervised[1:]) for row in held_out)
    return found


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--model", type=Path, default=semilla.FOLDER, help="for the two trainings")
    parser.add_argument("--rows", type=Path, default=SAMPLE, help='JSONL of {"messages": […]}')
    options = parser.parse_args()
    errors: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for family in FAMILIES:
            folder = Path(scratch) / family
            build_family(family, folder)
            vocabulary = load_base(folder).config.vocab_size
            errors[family] = compare(folder, nested_examples(vocabulary, seed=0))
            sys.stderr.write(f"{family}: {errors[family]}\n")
    rows = encode_chats(read_chats(options.rows), load_renderer(options.model), max_tokens=2048)
    losses = train_beside(options.model, rows, steps=options.steps)
    found = {
        "max_grad_rel_err": max(one["global"] for one in errors.values()),
        "max_tensor_rel_err": max(one["tensor"] for one in errors.values()),
        "families": len(errors),
        "steps": options.steps,
        "held_out_nll": losses,
        "nll_difference": abs(losses["ours"] - losses["reference"]),
        "errors": errors,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
