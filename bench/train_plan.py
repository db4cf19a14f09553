"""Does a training take what `afina train --plan` said? Predicted seconds and memory beside those of real runs.

    python -m bench.train_plan [--steps 6] [--folder DIR]

Qwen2.5-0.5B's shape with random weights on disk, ragged examples of about 150 tokens, 16 an optimiser step, LoRA r 16 on every
linear layer, dropout 0.05. For three ways of keeping the base the plan is made in one process and the training run in
another, by the product's own loop; its first step is left out of the time. Prints one JSON line: `worst_time_error` and
`worst_memory_error` as shares of what was measured; the aim is 0.2.
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from afina.settings import TrainSettings
from afina.train.encode import Encoded
from afina.train.loop import Job, train
from afina.train.plan import plan_training
from afina.train.shape import read_model_config
from bench.peers import RANK, ragged
from bench.train_memory import write_model

WAYS: dict[str, dict[str, Any]] = {
    "float32": {"base_storage": "float32"},
    "bfloat16, recomputed": {"base_storage": "bfloat16", "gradient_checkpointing": True},
    "nf4, recomputed": {"base_storage": "nf4", "gradient_checkpointing": True},
}
BATCH = 16


def settings_of(way: str, steps: int) -> TrainSettings:
    """One epoch of so many steps."""
    return TrainSettings.model_validate(
        {
            "lora": {"r": RANK, "lora_alpha": 2 * RANK},
            "training": {
                "num_epochs": 1,
                "batch_size": BATCH,
                "gradient_accumulation_steps": 1,
                "learning_rate": 1e-4,
                "threads": 2,
                "logging_steps": 1,
                "save_steps": steps,
                **WAYS[way],
            },
        }
    )


def predict(folder: Path, way: str, steps: int) -> dict[str, float]:
    """What the plan says, and how long it took to say it."""
    began = time.perf_counter()
    settings = settings_of(way, steps)
    plan = plan_training(ragged(batch=BATCH * steps), read_model_config(folder), settings)
    own = next(
        found
        for found in plan.ways
        if (found.storage, found.checkpointing) == (settings.storage, settings.training.gradient_checkpointing)
    )
    return {"step_s": own.step_s, "gb": own.ram_bytes / 1e9, "planning_s": round(time.perf_counter() - began, 1)}


def measure(folder: Path, way: str, steps: int) -> dict[str, float]:
    """What the run took: mean seconds of the steps behind the first, peak memory with loading."""
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as out:
        train(
            Encoded(tuple(ragged(batch=BATCH * steps)), ()),
            settings_of(way, steps),
            base=folder,
            job=Job(out=Path(out), tell=lambda *_: marks.append(time.perf_counter())),
        )
    times = [end - start for start, end in itertools.pairwise(marks)]
    # the plan predicts the mean over all steps; the packs of these steps differ in length
    return {"step_s": sum(times) / len(times), "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}


def in_process(what: str, folder: Path, way: str, steps: int) -> dict[str, float]:
    """In a process of its own, so that peaks do not mix."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "bench.train_plan",
            "--do",
            what,
            "--way",
            way,
            "--folder",
            str(folder),
            "--steps",
            str(steps),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    sys.stderr.write(f"{way}: {what} {found}\n")
    return found


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--folder", type=Path, help="where the weights lie or are put; default: a temporary folder")
    parser.add_argument("--do", choices=["predict", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(2)
    if options.do:
        do = predict if options.do == "predict" else measure
        sys.stdout.write(json.dumps(do(options.folder, options.way, options.steps)) + "\n")
        return
    ways: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "model"
        if not (folder / "model.safetensors.index.json").is_file():
            write_model(folder, {})
        for way in WAYS:
            said, took = (in_process(what, folder, way, options.steps) for what in ("predict", "measure"))
            ways[way] = {
                "predicted": said,
                "measured": took,
                "time_error": round(said["step_s"] / took["step_s"] - 1, 3),
                "memory_error": round(said["gb"] / took["gb"] - 1, 3),
            }
    worst = {key: max(abs(way[f"{key}_error"]) for way in ways.values()) for key in ("time", "memory")}
    found = {"worst_time_error": worst["time"], "worst_memory_error": worst["memory"], "torch": torch.__version__}
    sys.stdout.write(json.dumps({**found, "ways": ways}) + "\n")


if __name__ == "__main__":
    main()
