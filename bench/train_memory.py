"""How little memory a 3B and a 7B model need to train, and what that costs in speed.

    python -m bench.train_memory [--only 3b,7b,05b] [--steps 2] [--folder DIR] [--peer]

Qwen2.5's shapes with random weights, written shard by shard in bfloat16 (3B: 6 GB, 7B: 15 GB of disk). 1,024 tokens an
optimiser step (4 examples of 256, half supervised), r 16 on every linear layer, Adam, gradient checkpointing; peak resident
memory of the whole process, loading included. NF4 beside the same engine with larger storage: float32 for 3B, bfloat16
for 7B. Each run is a process of its own; first step excluded from the times. Prints one JSON line: `rss_3b_gb`, `speed_3b`
(share of the larger storage's speed), `rss_7b_gb`, `speed_7b`. With `--peer` TRL with bitsandbytes' NF4 trains the same rows of the
same weights (`peer_3b`), if it can: one example at a time, gradient checkpointing, float32 arithmetic.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from afina.bases import semilla
from afina.chat.render import Rendered
from afina.settings import TrainSettings
from afina.train.engine import Engine, backward
from afina.train.loop import new_optimizer, trainable_model
from afina.train.packing import pack
from bench.peers import QWEN_05B, RANK, SHAPES, peer_lines

LARGER = {"05b": "float32", "3b": "float32", "7b": "bfloat16"}
SHARD_BYTES = 2 * 2**30


def write_model(folder: Path, shape: dict[str, Any]) -> None:
    """A folder with random weights of a shape; at most one shard in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.for_model(**{**QWEN_05B, **shape})
    config.architectures = ["Qwen2ForCausalLM"]
    config.save_pretrained(folder)
    with init_empty_weights():
        model = AutoModelForCausalLM.from_config(config)
    torch.manual_seed(0)
    shard: dict[str, torch.Tensor] = {}
    where: dict[str, str] = {}
    number = 0
    model.tie_weights()
    for name, parameter in model.named_parameters():  # a tied head has no tensor of its own
        value = torch.ones(parameter.shape) if "norm" in name else torch.randn(parameter.shape).mul_(0.02)
        shard[name] = value.bfloat16()
        if sum(t.numel() * 2 for t in shard.values()) > SHARD_BYTES:
            number += 1
            flush(shard, folder / f"model-{number:05d}.safetensors", where)
    flush(shard, folder / f"model-{number + 1:05d}.safetensors", where)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}), "utf-8")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_bytes((semilla.FOLDER / file).read_bytes())


def flush(shard: dict[str, torch.Tensor], file: Path, where: dict[str, str]) -> None:
    """Write a shard and forget it."""
    save_file(shard, file, metadata={"format": "pt"})
    where |= dict.fromkeys(shard, file.name)
    shard.clear()


def examples() -> list[Rendered]:
    """1,024 tokens, nothing shared."""
    rng = random.Random(0)
    flags = (False,) * 128 + (True,) * 128
    return [Rendered(tuple(rng.randrange(1000, 150_000) for _ in range(256)), flags) for _ in range(4)]


def step_times(model: Any, settings: TrainSettings, steps: int) -> list[float]:
    """Seconds of so many optimiser steps after a first one."""
    engine, optimizer = Engine(model), new_optimizer(model, settings.training)
    times = []
    for _ in range(steps + 1):
        began = time.perf_counter()
        backward(engine, [pack(examples())])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(time.perf_counter() - began)
    return times[1:]


def measure(folder: Path, storage: str, steps: int) -> dict[str, Any]:
    """In this process: load, train, report peak memory in GB (10⁹ bytes) and seconds of every step but the first."""
    settings = TrainSettings.model_validate(
        {
            "lora": {"r": RANK, "lora_alpha": 2 * RANK, "lora_dropout": 0.0},
            "training": {"base_storage": storage, "gradient_checkpointing": True, "learning_rate": 1e-4, "threads": 2},
        }
    )
    began = time.perf_counter()
    model = trainable_model(settings, base=folder, start=None, tight=True).train()
    loaded = time.perf_counter() - began
    times = step_times(model, settings, steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"rss_gb": round(peak, 2), "load_s": round(loaded, 1), "step_s": [round(t, 1) for t in times]}


def in_process(folder: Path, storage: str, steps: int) -> dict[str, Any]:
    """`measure` in a process of its own, so that peaks do not mix."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "bench.train_memory",
            "--measure",
            storage,
            "--folder",
            str(folder),
            "--steps",
            str(steps),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    sys.stderr.write(f"{folder.name} {storage}: {found}\n")
    return found


def measure_peer(folder: Path, steps: int) -> dict[str, Any]:
    """TRL with bitsandbytes on the same folder; what it said where it failed."""
    try:
        lines = peer_lines(examples(), peer="trl", batch=1, steps=steps + 1, config={}, folder=str(folder))
    except RuntimeError as exc:
        return {"failed": str(exc)[-300:]}
    return {
        "rss_gb": round(max(line.get("rss_gb", 0.0) for line in lines), 2),
        "step_s": [round(line["seconds"], 1) for line in lines if "seconds" in line][1:],
    }


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="3b,7b")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the weights lie or are put; default: a temporary folder")
    parser.add_argument("--peer", action="store_true", help="TRL + bitsandbytes on the same weights too")
    parser.add_argument("--measure", choices=["float32", "bfloat16", "nf4"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(measure(options.folder, options.measure, options.steps)) + "\n")
        return
    found: dict[str, Any] = {"torch": torch.__version__, "tokens_per_step": 1024}
    with tempfile.TemporaryDirectory() as scratch:
        for size in options.only.split(","):
            folder = (options.folder or Path(scratch)) / size
            if not (folder / "model.safetensors.index.json").is_file():
                write_model(folder, SHAPES.get(size, {}))
            lean, large = (in_process(folder, kind, options.steps) for kind in ("nf4", LARGER[size]))
            seconds = [statistics.median(one["step_s"]) for one in (lean, large)]
            found |= {
                f"rss_{size}_gb": lean["rss_gb"],
                f"speed_{size}": round(seconds[1] / seconds[0], 3),
                f"nf4_{size}": lean,
                f"{LARGER[size]}_{size}": large,
            }
            if options.peer:
                found[f"peer_{size}"] = measure_peer(folder, options.steps)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
