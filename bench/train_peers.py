"""LoRA on a CPU: an optimiser step of LocalAI's fine-tuning backend, of TRL at its best, of a plain PEFT loop, and of afina, on the same rows.

    python -m bench.train_peers [--steps 2] [--only 512,plain]

A 0.5B shape (Qwen2.5-0.5B's, random weights, LoRA r 16 on every linear layer, dropout 0). Workloads: eight examples of 512 shared + 192 own
tokens, 64 of them supervised; sixteen ragged ones of about 150 tokens that share nothing. LocalAI's backend is TRL's SFTTrainer with the settings
that its source gives a machine without a GPU: float32, no gradient checkpointing, two examples a forward pass, AdamW; its limit of 512 tokens is
lifted, which would cut the first workload's answers off. TRL: the best of one example at a time and padded fours. Where the processor is faster in
bfloat16 every peer but LocalAI (which fixes float32) runs in both types and its faster one counts; ours chooses as in a run. Order: peers, ours,
peers again; the first step of every run is not counted. Prints one JSON line: `ratio_512` and `ratio_plain` are LocalAI's median seconds over ours,
`vs_trl_*` and `vs_peft_*` the others', `types` which type each ran in.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoConfig

from afina.chat.render import Rendered
from afina.settings import TrainSettings
from afina.train.products import decided
from afina.train.shape import shape_of
from bench.peers import PEERS, QWEN_05B, PeerFailedError, ragged, run_ours, run_peer, shared_prefix, summary

ROWS = {
    "512": shared_prefix(prefix=512, rest=192, supervised=64, batch=8),
    "plain": ragged(batch=16),
}
FLOAT32 = {"type": "float32"}


def chosen_type() -> str:
    """What a run of ours would compute in on this machine."""
    return decided(TrainSettings(), shape_of(AutoConfig.for_model(**QWEN_05B))).training.compute


def best_way(rows: Sequence[Rendered], peer: str, ways: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The fastest of some ways by one warm step of a few rows; of one there is nothing to choose.

    Raises:
        PeerFailedError: none ran.
    """
    if len(ways) == 1:
        return ways[0]
    took: list[tuple[float, dict[str, Any]]] = []
    for way in ways:
        try:
            took.append((min(run_peer(rows, peer=peer, steps=2, config=QWEN_05B, **way)), way))
            sys.stderr.write(f"  {peer} {way}: {took[-1][0]:.1f} s\n")
        except PeerFailedError as exc:
            sys.stderr.write(f"  {peer} {way} failed: {str(exc)[:300]}\n")
    if not took:
        raise PeerFailedError(f"no way of running {peer} worked")
    return min(took, key=lambda one: one[0])[1]


def ways_of(peer: str, types: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """How a peer may run."""
    if peer == "localai":
        return [{"batch": 2, **FLOAT32}]
    if peer == "trl":
        return [{"batch": batch, **one} for batch in (1, 4) for one in types]
    return [dict(one) for one in types]


def compared(rows: Sequence[Rendered], *, steps: int, compute: str) -> dict[str, Any]:
    """Every peer before and after ours: medians, spreads, ratios; a peer that fails is named and the others are kept."""
    types = [FLOAT32, *([{"type": "bfloat16"}] if compute == "bfloat16" else [])]
    few = rows[:4] if len({len(row.ids) for row in rows}) == 1 else rows
    chosen: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    times: dict[str, list[float]] = {"localai": [], "trl": [], "plain": [], "ours": []}

    def turn(name: str) -> None:
        peer = "plain" if name == "plain" else "trl"
        try:
            chosen[name] = chosen.get(name) or best_way(few, peer, ways_of(name, types))
            times[name] += run_peer(rows, peer=peer, steps=steps + 1, config=QWEN_05B, **chosen[name])
        except PeerFailedError as exc:
            failed[name] = str(exc)[:300]

    for name in ("localai", "trl", "plain"):
        turn(name)
    times["ours"] += run_ours(rows, steps=2 * steps + 1, config=QWEN_05B, compute=compute)
    for name in ("localai", "trl"):
        if name not in failed:
            turn(name)
    medians = {name: statistics.median(took) for name, took in times.items() if took}
    return {
        "ratios": {name: round(medians[name] / medians["ours"], 2) for name in medians if name != "ours"},
        "ways": {**chosen, "ours": {"type": compute}},
        "failed": failed,
        **{name: summary(took) for name, took in times.items() if took},
    }


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--only", default=",".join(ROWS))
    options = parser.parse_args()
    torch.set_num_threads(2)
    compute = chosen_type()
    found: dict[str, Any] = {"peers": PEERS, "torch": torch.__version__, "compute": compute}
    for name in options.only.split(","):
        result = compared(ROWS[name], steps=options.steps, compute=compute)
        sys.stderr.write(f"{name}: {json.dumps(result)}\n")
        ratios = result.pop("ratios")
        found |= {
            f"ratio_{name}": ratios.get("localai"),
            f"vs_trl_{name}": ratios.get("trl"),
            f"vs_peft_{name}": ratios.get("plain"),
            f"rows_{name}": result,
        }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
