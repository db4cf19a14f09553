"""float32 against bfloat16: is this processor faster in it, what does it cost in exactness, and how far ahead of the peers' best type is ours?

    python -m bench.train_types [--seeds 3] [--steps 200] [--data ../shared/data] [--without-peers]

Speed on a 0.5B shape (rows of `bench.train_peers`), exactness on SmolLM2-135M, a real base. Prints one JSON line: `bf16_fast` (whether a run would
choose bfloat16 here) and `product_ratio` (float32's seconds of one product over bfloat16's); `step_ratio` (bfloat16's seconds of an optimiser step
over float32's, 512 shared tokens); `grad_error` (relative, of the whole gradient at the first step); `held_out` (nats per supervised token after
`--steps` steps, each type); `acc` (tuned accuracy of the served file, clinc150 banking with 150 messages, a seed each), `acc_gap` (bfloat16's mean
minus float32's, points) and `seed_noise` (standard deviation over float32's seeds); `ratio_512_best`, `ratio_plain_best`: seconds of the best peer
in its best type over ours in ours.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from afina.bases import resolve_base
from afina.chat.render import Rendered
from afina.records import Turn
from afina.runtime.renderer import renderer_of
from afina.settings import TrainSettings
from afina.train.encode import encode_chats
from afina.train.engine import Engine, backward, mean_loss
from afina.train.loop import trainable_model
from afina.train.packing import pack, packs
from afina.train.products import COMPUTES, WORTH, bfloat16_speed
from afina.train.shape import shape_of
from bench.peers import QWEN_05B, run_ours
from bench.real_base import clinc_banking, run, some
from bench.train_exact import gradients, randomised
from bench.train_peers import ROWS, chosen_type, compared

DATA = Path(__file__).parents[1].parent / "shared" / "data"
BATCH = 16


def settings(compute: str) -> TrainSettings:
    """As for a small base, without its schedule."""
    return TrainSettings.model_validate(
        {"lora": {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0}, "training": {"compute": compute}}
    )


def rows_of(base: Path, data: Path) -> tuple[list[Rendered], list[Rendered]]:
    """Classification as chats: 800 to learn from, 200 held out."""
    train, held_out = clinc_banking(data)
    labels = ", ".join(sorted({label for _, label in train}))

    def chats(rows: Sequence[tuple[str, str]]) -> list[list[Turn]]:
        return [
            [Turn("system", f"Labels: {labels}"), Turn("user", text), Turn("assistant", label)] for text, label in rows
        ]

    renderer = renderer_of(base)
    return (
        list(encode_chats(chats(some(train, 800)), renderer, max_tokens=512)),
        list(encode_chats(chats(some(held_out, 200)), renderer, max_tokens=512)),
    )


def gradient_error(base: Path, rows: Sequence[Rendered]) -> float:
    """Of the whole gradient, relative, with a drawn adapter."""
    found = []
    for compute in COMPUTES:
        model = randomised(trainable_model(settings(compute), base=base, start=None, tight=False), seed=1).eval()
        backward(Engine(model), [pack(rows)])
        found.append(gradients(model))
    exact, near = found
    difference = sum(float((near[n] - g).square().sum()) for n, g in exact.items())
    return float((difference / sum(float(g.square().sum()) for g in exact.values())) ** 0.5)


def held_out_loss(
    base: Path, train: Sequence[Rendered], judged: Sequence[Rendered], *, steps: int, compute: str
) -> float:
    """Nats per supervised token after some steps on the same batches."""
    model = trainable_model(settings(compute), base=base, start=None, tight=False).eval()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0.0)
    engine, order = Engine(model), random.Random(0)
    for _ in range(steps):
        backward(engine, packs(order.sample(list(train), BATCH), limit=4096))
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return mean_loss(engine, packs(judged, limit=4096))


def accuracies(data: Path, *, seeds: int) -> dict[str, list[float]]:
    """Tuned accuracy of the served file in percent, a seed each."""
    found: dict[str, list[float]] = {compute: [] for compute in COMPUTES}
    for seed in range(seeds):
        for compute in COMPUTES:
            more = f'[train.training]\ncompute = "{compute}"\nseed = {seed}\n'
            with tempfile.TemporaryDirectory() as folder:
                entry = run("clinc-150", data, minutes=8, base="smollm2", folder=Path(folder), more=more)
            found[compute].append(100 * entry["tuned"]["score"])
            sys.stderr.write(f"{compute}, seed {seed}: {found[compute][-1]:.1f}\n")
    return found


def against_peers() -> dict[str, Any]:
    """The best peer in its best type over ours in ours."""
    found: dict[str, Any] = {}
    for name, rows in ROWS.items():
        result = compared(rows, steps=1, compute=chosen_type())
        found |= {f"ratio_{name}_best": min(result["ratios"].values()), f"rows_{name}": result}
    return found


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--without-peers", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    faster = bfloat16_speed(shape_of(AutoConfig.for_model(**QWEN_05B)))
    steps = {
        name: statistics.median(run_ours(ROWS["512"], steps=4, config=QWEN_05B, compute=name)) for name in COMPUTES
    }
    base = resolve_base("smollm2")
    train, judged = rows_of(base, options.data)
    found: dict[str, Any] = {
        "bf16_fast": faster >= WORTH,
        "product_ratio": round(faster, 2),
        "step_s": steps,
        "step_ratio": round(steps["bfloat16"] / steps["float32"], 2),
        "grad_error": gradient_error(base, train[:BATCH]),
        "held_out": {name: held_out_loss(base, train, judged, steps=options.steps, compute=name) for name in COMPUTES},
    }
    sys.stderr.write(json.dumps(found) + "\n")
    if options.seeds:
        found["acc"] = accuracies(options.data, seeds=options.seeds)
        means = {name: statistics.mean(values) for name, values in found["acc"].items()}
        found["acc_gap"] = round(means["bfloat16"] - means["float32"], 2)
        found["seed_noise"] = round(statistics.stdev(found["acc"]["float32"]), 2) if options.seeds > 1 else None
    found |= {} if options.without_peers else against_peers()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
