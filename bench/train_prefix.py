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
from bench.peers import PEERS, QWEN_05B, PeerFailedError, run_ours, run_peer, shared_prefix, summary

WORKLOADS = {
    "120": {"prefix": 120, "rest": 65, "supervised": 25, "batch": 16},
    "512": {"prefix": 512, "rest": 192, "supervised": 64, "batch": 8},
}


def best_trl(rows: Sequence[Rendered], *, full: bool, config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fastest way to run TRL on these rows, and what each way took for one warm step of them, or why it did not.

    Raises:
        PeerFailedError: no way ran.
    """
    ways: dict[str, dict[str, Any]] = {"one at a time": {"batch": 1}, "padded in fours": {"batch": 4}}
    if full:
        ways["packed"] = {"batch": 1, "packing": True}
    took: dict[str, float] = {}
    said: dict[str, Any] = {}
    for name, way in ways.items():
        try:
            took[name] = min(run_peer(rows, peer="trl", steps=2, config=config, **way))
            said[name] = round(took[name], 2)
        except PeerFailedError as exc:
            said[name] = f"failed: {str(exc)[:200]}"
        sys.stderr.write(f"  TRL, {name}: {said[name]}\n")
    if not took:
        raise PeerFailedError(f"no way of running TRL worked: {said}")
    return ways[min(took, key=lambda name: took[name])], said


def against_peers(rows: Sequence[Rendered], *, steps: int, full: bool, config: dict[str, Any]) -> dict[str, Any]:
    """Peer, ours, peer, plain loop: medians, spreads, ratios. A peer that fails is said, and the others' figures are kept."""
    alike = len({len(row.ids) for row in rows}) == 1  # of ragged rows four say nothing about padding
    times: dict[str, list[float]] = {"trl": [], "ours": [], "plain": []}
    failed: dict[str, str] = {}
    found: dict[str, Any] = {}

    def peer(name: str, **way: Any) -> None:
        try:
            times[name] += run_peer(rows, peer=name, steps=steps + 1, config=config, **way)
        except PeerFailedError as exc:
            failed[name] = str(exc)[:300]

    try:
        found["trl_way"], found["trl_ways"] = best_trl(rows[:4] if alike else rows, full=full, config=config)
        peer("trl", **found["trl_way"])
    except PeerFailedError as exc:
        failed["trl"] = str(exc)[:300]
    times["ours"] += run_ours(rows, steps=2 * steps + 1, config=config)
    if "trl" not in failed:
        peer("trl", **found["trl_way"])
    peer("plain")
    times["ours"] += run_ours(rows, steps=steps + 1, config=config)
    medians = {name: statistics.median(took) for name, took in times.items() if took}
    found |= {
        "ratio": ratio(medians, "trl"),
        "vs_peft": ratio(medians, "plain"),
        "failed": failed,
        **{{"plain": "plain_peft"}.get(name, name): summary(took) for name, took in times.items() if took},
    }
    if full and "trl" not in failed:
        slow = run_peer(rows[:1], peer="trl", steps=2, config=config, batch=1, as_installed=True)
        found["trl_as_installed_extrapolated"] = round(statistics.median(slow) * len(rows), 1)
    sys.stderr.write(f"  {json.dumps(found)}\n")
    return found


def ratio(medians: dict[str, float], peer: str) -> float | None:
    """How many times longer a peer takes; None where it did not run."""
    return round(medians[peer] / medians["ours"], 2) if peer in medians else None


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
