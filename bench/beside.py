"""Do people wait longer while a model is trained on the machine that serves them?

    python -m bench.beside [--base smollm2] [--rate 0.5] [--seconds 150]

A real project with the embedded PostgreSQL, the base in production behind `afina serve`, and a dataset of 300 messages of clinc150. Requests come
at a fixed rate (an open loop: a latency counts from when the request was due), first alone, then while `afina train` runs, giving way as the queue
lets it. Training has as many threads as there are cores.

Prints one JSON line: `p95_ms` and `p50_ms` beside training, `_idle` without, `p95_ratio`, `steps` that the training made meanwhile, `failed`.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from afina.flows.curate import curate_project
from afina.flows.export import base_version
from afina.flows.freeze import freeze_project
from afina.flows.rollouts import release_direct
from afina.flows.train import plan_training
from afina.ids import RunId
from afina.priority import give_way
from afina.progress import Silent, Stages
from bench.load import Load, run
from bench.world import Said, World, messages_of, world

SETTLE_S, TRAINING_S = 5.0, 45.0
"""Not counted at the beginning; until the training has loaded and makes its first steps."""


def ready(living: World) -> RunId:
    """A dataset, a planned run, and the base in production."""
    rng = random.Random(0)
    rows = [
        Said(user=f"u{rng.randrange(200)}", text=text, truth=intent, decided=intent)
        for intent, texts in messages_of(15).items()
        for text in texts[:20]
    ]
    living.review(rows)
    project, stages = living.project, Stages(Silent())
    curate_project(project, stages)
    dataset = freeze_project(project, stages)
    release_direct(project, base_version(project, dataset), actor="bench", reason="the base")
    return plan_training(project, dataset)


def loaded(port: int, *, rate: float, seconds: float) -> list[float]:
    """Latencies, ms, sorted; what failed is the largest."""
    body = json.dumps(
        {"messages": [{"role": "user", "content": "how do i freeze my account"}], "max_tokens": 24}
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    load = Load("127.0.0.1", port, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    uvloop.run(run(load, rate=rate, seconds=seconds, skipped_s=SETTLE_S))
    bad = load.broken + load.waiting + sum(count for status, count in load.statuses.items() if status != 200)
    return sorted(1000 * one for one in load.latencies) + [float("inf")] * bad


def steps_of(folder: Path) -> int:
    """Optimiser steps that a run has told."""
    path = folder / "curve.jsonl"
    points = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    return max((point["step"] for point in points), default=0)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=150)
    options = parser.parse_args()
    if options.base != "semilla":
        subprocess.run([sys.executable, "-m", "afina", "base", "pull", options.base], check=True, stdout=sys.stderr)
    with world(base=options.base, minutes=20) as living:
        planned = ready(living)
        folder = living.project.paths.project
        command = [sys.executable, "-m", "afina"]
        log = (folder / "log").open("wb")
        gateway = subprocess.Popen([*command, "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=log)
        training: subprocess.Popen[bytes] | None = None
        try:
            assert gateway.stdout is not None
            port = int(gateway.stdout.readline().decode().strip().rsplit(":", 1)[1])
            time.sleep(8)
            idle = loaded(port, rate=options.rate, seconds=options.seconds)
            training = subprocess.Popen(
                [*command, "train", "--run", planned], cwd=folder, stdout=log, stderr=log, start_new_session=True
            )
            give_way(training.pid)
            time.sleep(TRAINING_S)
            beside = loaded(port, rate=options.rate, seconds=options.seconds)
            assert training.poll() is None, "the training has ended: nothing was measured beside it"
            print(json.dumps(summary(options, idle, beside) | {"steps": steps_of(living.project.paths.run(planned))}))
        finally:
            for process in (training, gateway):
                if process is not None:
                    process.terminate()
                    process.wait(60)
            log.close()


def summary(options: argparse.Namespace, idle: list[float], beside: list[float]) -> dict[str, Any]:
    """The figures."""

    def at(found: list[float], part: float) -> float:
        return round(found[int(part * (len(found) - 1))], 1)

    return {
        "bench": "beside",
        "base": options.base,
        "rate": options.rate,
        "requests": len(beside),
        "failed": sum(one == float("inf") for one in [*idle, *beside]),
        "p50_ms": at(beside, 0.5),
        "p50_ms_idle": at(idle, 0.5),
        "p95_ms": at(beside, 0.95),
        "p95_ms_idle": at(idle, 0.95),
        "p95_ratio": round(at(beside, 0.95) / at(idle, 0.95), 2),
    }


if __name__ == "__main__":
    main()
