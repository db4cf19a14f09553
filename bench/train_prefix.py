"""Seconds of an optimiser step where examples begin alike, beside TRL and a plain PEFT loop, on the same rows.

    python -m bench.train_prefix [--steps 2] [--full] [--only 120,512]

Two workloads of a 0.5B shape (Qwen2.5-0.5B's, random weights, float32, LoRA r 16 on every linear layer, dropout 0): a
beginning of 120 tokens + 65 of which 25 are supervised, 16 examples a step; a beginning of 512 + 192 of which 64, 8 a step.
TRL is repaired for CPUs (float32, no gradient checkpointing) and tuned: the best of one example at a time and padded batches
(`--full`: packed too, and a row as installed). Order: peer, ours, peer again; first step of every run excluded. Prints one
JSON line: `ratio_512` and `ratio_120` are TRL's median seconds over ours, `vs_peft_*` the plain loop's.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from typing import Any

import torch

from afina.chat.render import Rendered
from bench.peers import PEERS, QWEN_05B, run_ours, run_peer, shared_prefix, summary

WORKLOADS = {
    "120": {"prefix": 120, "rest": 65, "supervised": 25, "batch": 16},
    "512": {"prefix": 512, "rest": 192, "supervised": 64, "batch": 8},
}


def best_trl(rows: Sequence[Rendered], *, full: bool, config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fastest way to run TRL on these rows, and what each way took for one warm step of them."""
    ways: dict[str, dict[str, Any]] = {"one at a time": {"batch": 1}, "padded in fours": {"batch": 4}}
    if full:
        ways["packed"] = {"batch": 1, "packing": True}
    took = {}
    for name, way in ways.items():
        took[name] = min(run_peer(rows, peer="trl", steps=2, config=config, **way))
        sys.stderr.write(f"  TRL, {name}: {took[name]:.1f} s\n")
    best = min(took, key=lambda name: took[name])
    return ways[best], {name: round(seconds, 2) for name, seconds in took.items()}


def against_peers(rows: Sequence[Rendered], *, steps: int, full: bool, config: dict[str, Any]) -> dict[str, Any]:
    """Peer, ours, peer, plain loop: medians, spreads, ratios."""
    alike = len({len(row.ids) for row in rows}) == 1  # of ragged rows four say nothing about padding
    way, ways = best_trl(rows[:4] if alike else rows, full=full, config=config)
    peer = run_peer(rows, peer="trl", steps=steps + 1, config=config, **way)
    ours = run_ours(rows, steps=2 * steps + 1, config=config)
    peer += run_peer(rows, peer="trl", steps=steps + 1, config=config, **way)
    plain = run_peer(rows, peer="plain", steps=steps + 1, config=config)
    ours += run_ours(rows, steps=steps + 1, config=config)
    medians = {name: statistics.median(times) for name, times in (("trl", peer), ("ours", ours), ("plain", plain))}
    found: dict[str, Any] = {
        "ratio": round(medians["trl"] / medians["ours"], 2), "vs_peft": round(medians["plain"] / medians["ours"], 2),
        "trl_way": way, "trl_ways": ways, "trl": summary(peer), "ours": summary(ours), "plain_peft": summary(plain),
    }  # fmt: skip
    if full:
        short = rows[:1]
        slow = run_peer(short, peer="trl", steps=2, config=config, batch=1, as_installed=True)
        found["trl_as_installed_extrapolated"] = round(statistics.median(slow) * len(rows), 1)
    sys.stderr.write(f"  {json.dumps(found)}\n")
    return found


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="120,512")
    options = parser.parse_args()
    torch.set_num_threads(2)
    found: dict[str, Any] = {"peers": PEERS, "torch": torch.__version__}
    for name in options.only.split(","):
        sys.stderr.write(f"prefix {name}\n")
        result = against_peers(
            shared_prefix(**WORKLOADS[name]), steps=options.steps, full=options.full, config=QWEN_05B
        )
        found |= {
            f"ratio_{name}": result.pop("ratio"),
            f"vs_peft_{name}": result.pop("vs_peft"),
            f"prefix_{name}": result,
        }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
