"""The same comparison where nothing is shared: ragged examples of about 150 tokens, each beginning differently.

    python -m bench.train_plain [--steps 2] [--full]

What is left of the gain is the head on supervised rows only, no padding, and fewer passes over memory. Prints one JSON line:
`ratio_plain` (TRL's median seconds over ours), `vs_peft_plain`, `supervised_share`.
"""

import argparse
import json
import sys

import torch

from bench.peers import PEERS, QWEN_05B, ragged
from bench.train_prefix import against_peers

BATCH = 16


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    rows = ragged(batch=BATCH)
    tokens = sum(len(row.ids) for row in rows)
    result = against_peers(rows, steps=options.steps, full=options.full, config=QWEN_05B)
    found = {
        "ratio_plain": result.pop("ratio"),
        "vs_peft_plain": result.pop("vs_peft"),
        "supervised_share": round(sum(sum(row.supervised) for row in rows) / tokens, 3),
        "tokens": tokens,
        "examples": len(rows),
        "peers": PEERS,
        "torch": torch.__version__,
        **result,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
