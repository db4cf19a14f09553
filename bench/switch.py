"""Does a switch cost anybody an answer? Promotions and rollbacks under load, and workers killed in the middle of some.

    python -m bench.switch [--switches 20] [--rate 50] [--kills 3]

A real project with the embedded PostgreSQL and a gateway in a process of its own, the built-in base with as many adapters as there are canaries, all
served by the file that a training would leave. Requests come at a fixed rate, whoever answers (an open loop: a latency counts from when the request
was due), each of another user. A switch is a promotion of a canary, or a rollback to the version before: half of each, in turn. With some of them
the worker that serves is killed with SIGKILL a moment later. Before it the same load without any switch, for the comparison.

Prints one JSON line: `failed` (requests that were not answered with 200), `switches`, `kills`, `requests`, `p50_ms`, `p99_ms` (`_still`: without
switches), `p99_ratio`, `two_in_production` (times at which the database showed another number of versions in production than one).
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch
import uvloop
from peft import LoraConfig, get_peft_model

from afina.bases.folder import base_mark
from afina.export import register_version
from afina.export.gguf_adapter import write_adapter_gguf
from afina.flows.base_file import base_gguf
from afina.flows.project import Project
from afina.flows.rollouts import promote_by_hand, release_direct, start_canary, withdraw
from afina.ids import ModelVersionId
from afina.records import ModelVersion
from afina.runtime.gguf_model import decoded_model
from afina.store.server import stop_embedded
from afina.wiring import open_project
from bench.load import Load, run

BODY = {"messages": [{"role": "user", "content": "¿Cuándo sale mi pedido?"}], "max_tokens": 2, "temperature": 0}
BETWEEN_S, STILL_S, SETTLE_S = 5.0, 40.0, 2.0


def adapter(project: Project, base: Path, name: str) -> ModelVersion:
    """A version: an adapter with random numbers on the base."""
    torch.manual_seed(len(name))
    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(decoded_model(base), LoraConfig(r=16, lora_alpha=32, target_modules=modules))
    folder = project.paths.model(f"mod_{name}")
    model.save_pretrained(str(folder / "peft"), save_embedding_layers=False)
    (folder / "peft" / "manifest.json").write_text(json.dumps({"base_mark": base_mark(base)}), "utf-8")
    write_adapter_gguf(base, folder / "peft", folder / "adapter.gguf", name=name)
    made = ModelVersion(
        id=ModelVersionId(f"mod_{name}"),
        name=name,
        task=project.task.name,
        base="semilla",
        gguf=str((folder / "adapter.gguf").relative_to(project.paths.data)),
        quantisation="q8_0",
    )
    with project.session() as session:
        register_version(session, made)
    return made


class Switcher(threading.Thread):
    """Promotes and rolls back while the load runs; kills the worker after some."""

    def __init__(
        self, project: Project, versions: list[ModelVersion], gateway: int, *, switches: int, kills: int
    ) -> None:
        super().__init__(daemon=True)
        self.project, self.versions, self.gateway = project, versions, gateway
        self.switches, self.done, self.killed, self.wrong = switches, 0, 0, 0
        chosen = random.Random(0).sample(range(switches), kills)
        self.kill_at = set(chosen)
        self.problem: BaseException | None = None

    def run(self) -> None:
        """Half promotions, half rollbacks."""
        try:
            while self.done < self.switches:
                if self.done % 2 == 0:
                    start_canary(self.project, self.versions.pop(), actor="bench", force=True)
                    time.sleep(BETWEEN_S / 2)
                    self.switch(lambda: promote_by_hand(self.project, actor="bench", reason="bench"))
                else:
                    self.switch(lambda: withdraw(self.project, actor="bench", reason="bench", production=True))
        except BaseException as exc:  # said by the main thread
            self.problem = exc

    def switch(self, move: Callable[[], Any]) -> None:
        """One, and a death a moment after it where that is due; then a look at what is in production."""
        move()
        if self.done in self.kill_at:
            time.sleep(0.2)
            children = psutil.Process(self.gateway).children(recursive=True)
            workers = [one for one in children if "afina/runtime" in " ".join(one.cmdline())]
            for one in workers[-1:]:
                one.kill()
                self.killed += 1
        with self.project.session() as session:
            row = session.execute("SELECT count(*) AS n FROM ml.rollouts WHERE state = 'production'").fetchone()
        self.wrong += row is None or row["n"] != 1
        self.done += 1
        time.sleep(BETWEEN_S)


def request_of(port: int, user: int) -> bytes:
    """One user's."""
    body = json.dumps({**BODY, "user": f"u{user}"}, ensure_ascii=False).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def loaded(port: int, *, rate: float, seconds: float) -> Load:
    """The load, in this process."""
    load = Load("127.0.0.1", port, request_of(port, 0))

    async def changing() -> None:
        number = 0
        while True:
            number += 1
            load.request = request_of(port, number)
            await asyncio.sleep(0.5 / rate)

    async def both() -> None:
        other = asyncio.create_task(changing())
        await run(load, rate=rate, seconds=seconds, skipped_s=SETTLE_S)
        other.cancel()

    uvloop.run(both())
    return load


def percentile(load: Load, part: float) -> float:
    """Milliseconds."""
    ordered = sorted(load.latencies)
    return round(1000 * ordered[int(part * (len(ordered) - 1))], 1)


def failures(load: Load) -> int:
    """What was not answered well."""
    return load.broken + load.waiting + sum(count for status, count in load.statuses.items() if status != 200)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "afina.toml").write_text("[runtime]\ncontext = 512\n\n[release]\nsettle_seconds = 0\n", "utf-8")
        project = open_project(folder)
        base = base_gguf(project.settings, folder=project.paths.bases)
        versions = [adapter(project, base, f"v{number}") for number in range(options.switches // 2 + 2)]
        release_direct(project, versions.pop(), actor="bench", reason="the first")
        log = (folder / "gateway.log").open("wb")
        gateway = subprocess.Popen(
            [sys.executable, "-m", "afina", "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert gateway.stdout is not None
            port = int(gateway.stdout.readline().decode().strip().rsplit(":", 1)[1])
            time.sleep(3)
            still = loaded(port, rate=options.rate, seconds=STILL_S)
            switcher = Switcher(project, versions, gateway.pid, switches=options.switches, kills=options.kills)
            switcher.start()
            moved = loaded(port, rate=options.rate, seconds=options.switches * BETWEEN_S * 1.3)
            switcher.join(60)
            if switcher.problem is not None:
                raise switcher.problem
            print(
                json.dumps(
                    {
                        "bench": "switch",
                        "failed": failures(moved) + failures(still),
                        "statuses": moved.statuses,
                        "switches": switcher.done,
                        "kills": switcher.killed,
                        "requests": len(moved.latencies),
                        "two_in_production": switcher.wrong,
                        "p50_ms": percentile(moved, 0.5),
                        "p50_ms_still": percentile(still, 0.5),
                        "p99_ms": percentile(moved, 0.99),
                        "p99_ms_still": percentile(still, 0.99),
                        "p99_ratio": round(percentile(moved, 0.99) / percentile(still, 0.99), 2),
                    }
                )
            )
        finally:
            gateway.terminate()
            gateway.wait(30)
            log.close()
            stop_embedded(project.paths.database)


if __name__ == "__main__":
    main()
