"""How much of a training step is the matrix products that nothing can avoid, and where the rest goes.

    python -m bench.train_ceiling [--only 05b,3b] [--steps 3]

The ceiling is the time of the frozen matrices' products alone: every product of the step with the step's own row counts
(forward, and for the gradient of the input), each measured by itself, float32, as fast as this machine's library does it.
Adapters, attention, norms, activations, the loss and the optimiser are not in it. Workloads of Qwen2.5's 0.5B shape (a
beginning of 120 tokens + 16 x 65 of which 25 are supervised) and 3B shape (120 + 8 x 65), random weights, LoRA r 16 on every
linear layer. Products are timed before and after the steps. Prints one JSON line: `share_05b` and `share_3b` (ceiling over
step) and the largest consumers of the step by torch's profiler.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from afina.chat.render import Rendered
from afina.train.packing import Packed, packs
from bench.peers import QWEN_05B, SHAPES, our_engine, our_step, shared_prefix, summary

WORKLOADS = {"05b": {}, "3b": SHAPES["3b"]}
BATCH = {"05b": 16, "3b": 8}
Product = tuple[int, int, int]


def frozen_products(config: dict[str, Any], packed: Packed) -> Counter[Product]:
    """(rows, in, out) of every product with a frozen matrix in one step, and how often it is made.

    The first layer's input needs no gradient; the last layer's queries, output and MLP run on the rows that are used.
    """
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    keys = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    tokens, used = len(packed.ids), len(packed.rows.unique())
    found: Counter[Product] = Counter()
    for layer in range(layers):
        rows = used if layer == layers - 1 else tokens
        for m, k, n, count in (
            (rows, hidden, hidden, 2),
            (tokens, hidden, keys, 2),
            (rows, hidden, inner, 2),
            (rows, inner, hidden, 1),
        ):
            found[m, k, n] += count
            reads_words = layer == 0 and k == hidden and n in (hidden, keys)
            # of the first layer's four attention products only the output's input has a gradient to pass on
            found[m, n, k] += count - ({hidden: 1, keys: 2}[n] if reads_words else 0)
    found[len(packed.rows), hidden, config["vocab_size"]] += 1
    found[len(packed.rows), config["vocab_size"], hidden] += 1
    return found


def seconds_of(products: Counter[Product]) -> float:
    """All of them, each shape timed alone: the fastest of five in either layout, so that noise cannot lower the bar."""
    total = 0.0
    for (m, k, n), count in products.items():
        x, w, out = torch.randn(m, k), torch.randn(n, k), torch.empty(m, n)
        times = []
        for right in (w.t(), w.t().contiguous()):
            torch.mm(x, right, out=out)
            for _ in range(5):
                began = time.perf_counter()
                torch.mm(x, right, out=out)
                times.append(time.perf_counter() - began)
        total += min(times) * count
    return total


def largest(rows: Sequence[Rendered], engine: Any, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Shares of a step by operator, the eight largest."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        our_step(engine, optimizer, rows)
    spent = {one.key: one.self_cpu_time_total for one in found.key_averages()}
    total = sum(spent.values())
    return {name: round(spent[name] / total, 3) for name in sorted(spent, key=lambda name: -spent[name])[:8]}


def measure(name: str, steps: int) -> dict[str, Any]:
    """Ceiling, step, ceiling."""
    config = {**QWEN_05B, **WORKLOADS[name]}
    rows = shared_prefix(prefix=120, rest=65, supervised=25, batch=BATCH[name])
    (packed,) = packs(rows, limit=4096)
    assert isinstance(packed, Packed)
    products = frozen_products(config, packed)
    ceilings = [seconds_of(products)]
    engine, optimizer = our_engine(config)
    times = []
    for _ in range(steps + 1):
        began = time.perf_counter()
        our_step(engine, optimizer, rows)
        times.append(time.perf_counter() - began)
    shares = largest(rows, engine, optimizer)
    ceilings.append(seconds_of(products))
    flops = sum(2 * m * k * n * count for (m, k, n), count in products.items())
    ceiling = statistics.mean(ceilings)
    return {
        f"share_{name}": round(ceiling / statistics.median(times[1:]), 3),
        name: {
            "tokens": len(packed.ids),
            "step_s": summary(times[1:]),
            "ceiling_s": [round(one, 3) for one in ceilings],
            "gflops": round(flops / ceiling / 1e9),
            "largest": shares,
        },
    }


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="05b,3b")
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(2)
    found: dict[str, Any] = {"torch": torch.__version__}
    for name in options.only.split(","):
        found |= measure(name, options.steps)
        sys.stderr.write(f"{json.dumps(found)}\n")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
