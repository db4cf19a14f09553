"""The peers' environment and the workloads that both sides of a training benchmark get."""

import contextlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from afina.bases import semilla
from afina.chat.render import Rendered
from afina.settings import LoraSettings
from afina.train.allocator import keep_freed_memory
from afina.train.engine import Engine, backward
from afina.train.model import add_adapter
from afina.train.packing import packs
from afina.train.products import round_products

FOLDER = Path(__file__).parents[1] / ".bench"
PEERS = ("trl==1.16.0", "peft==0.21.2", "transformers==5.23.0", "datasets", "bitsandbytes==0.50.2")
RANK = 16
QWEN_05B: dict[str, Any] = {
    "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864,
    "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "max_position_embeddings": 32768,
    "tie_word_embeddings": True, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
}  # fmt: skip

SHAPES: dict[str, dict[str, Any]] = {
    "3b": {
        "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
        "num_key_value_heads": 2,
    },
    "7b": {
        "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
    },
}  # fmt: skip


def peer_python() -> Path:
    """The interpreter of the peers' environment, made on first use: torch first and alone."""
    folder = FOLDER / "trl"
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists():
        sys.stderr.write(f"installing {', '.join(PEERS)} into {folder}\n")
        venv.create(folder, with_pip=True)
        for packages in ([f"torch=={torch.__version__.split('+')[0]}"], PEERS):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        done.touch()
    return python


class PeerFailedError(RuntimeError):
    """A peer did not finish: killed, out of memory, or an error of its own. What others measured stays."""


def bounded() -> None:
    """In the peer's process: no more memory than three quarters of the machine's, and the first to go if it is short all the same.

    Unbounded, a peer that padded too much took the whole machine, and the run with it.
    """
    most = psutil.virtual_memory().total * 3 // 4
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def run_peer(rows: Sequence[Rendered], *, peer: str, steps: int, config: dict[str, Any], **more: Any) -> list[float]:
    """Seconds of each step but the first.

    Raises:
        PeerFailedError: the peer failed; the last lines of what it said.
    """
    return [
        line["seconds"] for line in peer_lines(rows, peer=peer, steps=steps, config=config, **more) if "seconds" in line
    ][1:]


def peer_lines(
    rows: Sequence[Rendered], *, peer: str, steps: int, config: dict[str, Any], **more: Any
) -> list[dict[str, float]]:
    """What a peer measured: `seconds` of every step, `rss_gb` in the end.

    Raises:
        PeerFailedError: see `run_peer`.
    """
    job = {
        "peer": peer,
        "steps": steps,
        "config": config,
        "r": RANK,
        "threads": torch.get_num_threads(),
        "tokenizer": str(semilla.FOLDER),
        "rows": [as_labels(row) for row in rows],
        **more,
    }
    done = subprocess.run(
        [peer_python(), Path(__file__).parent / "peer_sft.py"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bounded,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"},
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(('{"seconds"', '{"rss_gb"'))]
    if done.returncode or sum("seconds" in line for line in lines) < steps:
        how = f"ended by signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise PeerFailedError(f"{peer} {more}: {how}, {len(lines)} lines measured; {done.stderr[-2000:]}")
    return lines


def as_labels(row: Rendered) -> dict[str, list[int]]:
    """The same supervision in the peers' words."""
    labels = [token if flag else -100 for token, flag in zip(row.ids, row.supervised, strict=True)]
    return {"input_ids": list(row.ids), "labels": labels}


def shared_prefix(*, prefix: int, rest: int, supervised: int, batch: int, seed: int = 0) -> list[Rendered]:
    """One beginning for all, random ends, the last `supervised` tokens of each learnt."""
    rng = random.Random(seed)
    start = [rng.randrange(1000, 150_000) for _ in range(prefix)]
    flags = (False,) * (prefix + rest - supervised) + (True,) * supervised
    return [Rendered((*start, *(rng.randrange(1000, 150_000) for _ in range(rest))), flags) for _ in range(batch)]


def ragged(*, batch: int, seed: int = 0) -> list[Rendered]:
    """No shared beginning; lengths around 150 tokens as instruction sets have them, about 45 % supervised."""
    rng = random.Random(seed)
    rows = []
    for _ in range(batch):
        length = max(24, min(600, round(rng.lognormvariate(4.85, 0.55))))
        learnt = max(4, round(length * rng.uniform(0.2, 0.7)))
        ids = tuple(rng.randrange(1000, 150_000) for _ in range(length))
        rows.append(Rendered(ids, (False,) * (length - learnt) + (True,) * learnt))
    return rows


def our_engine(config: dict[str, Any], *, compute: str = "float32") -> tuple[Engine, torch.optim.Optimizer]:
    """The engine on random weights of a shape, with a fresh adapter."""
    keep_freed_memory()
    torch.manual_seed(0)
    chosen = AutoConfig.for_model(**config)
    chosen.use_cache = False
    model = AutoModelForCausalLM.from_config(chosen, dtype=torch.float32)
    if compute == "bfloat16":
        round_products(model.get_decoder())
    lora = LoraSettings(r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0)
    engine = Engine(add_adapter(model, lora, base="").train())
    return engine, torch.optim.AdamW([p for p in engine.model.parameters() if p.requires_grad], lr=1e-4)


def our_step(engine: Engine, optimizer: torch.optim.Optimizer, rows: Sequence[Rendered]) -> None:
    """One optimiser step, packing included."""
    backward(engine, packs(rows, limit=4096))
    torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def run_ours(rows: Sequence[Rendered], *, steps: int, config: dict[str, Any], compute: str = "float32") -> list[float]:
    """Seconds of each optimiser step but the first, packing included."""
    engine, optimizer = our_engine(config, compute=compute)
    times = []
    for _ in range(steps):
        began = time.perf_counter()
        our_step(engine, optimizer, rows)
        times.append(time.perf_counter() - began)
    return times[1:]


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median and spread in seconds."""
    return {
        "median": round(statistics.median(times), 3),
        "min": round(min(times), 3),
        "max": round(max(times), 3),
        "n": len(times),
    }
