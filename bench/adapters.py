"""One base, many versions: ten adapters served by one worker, against one; and an adapter's speed against a merged file's.

    python -m bench.adapters [--versions 10] [--requests 300]

SmolLM2-135M-Instruct (Q4_1) with random adapters of rank 16 on every linear layer, each of which was asked alone first. Prints one JSON
line: `rss_1` and `rss_10` (MB, peak of the worker), `ratio`, `wrong` (answers of interleaved requests, four at once, that are not the adapter's own),
`requests`, `tokens_s_base`, `tokens_s_adapter`, `tokens_s_merged` (greedy, one request; medians of 5), `first_ms_adapter`, `first_ms_merged` (a
prompt of 400 tokens), `mb_adapter`, `mb_merged`.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from afina.bases import resolve_base
from afina.export.gguf_adapter import write_adapter_gguf
from afina.export.gguf_merge import merge_into_gguf
from afina.runtime import Load, RuntimeClient, Worker, open_load, start_worker
from afina.runtime.gguf_model import decoded_model
from afina.settings import RuntimeSettings

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PROMPTS = (
    "The capital of France is",
    "My card was",
    "To bake bread you",
    "Hello, I would like to",
    "The weather today",
)
TOKENS, SPEED_TOKENS, LONG = 8, 128, 400
SETTINGS = RuntimeSettings(slots=4, context=1024)


def write_adapters(base: Path, count: int, folder: Path) -> list[Path]:
    """So many adapters with random numbers, as PEFT folders and as GGUFs."""
    model = get_peft_model(decoded_model(base), LoraConfig(r=16, lora_alpha=32, target_modules=LINEAR))
    made = []
    for number in range(count):
        torch.manual_seed(number)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.02)
        model.save_pretrained(str(folder / f"peft{number}"), save_embedding_layers=False)
        made.append(folder / f"a{number}.gguf")
        write_adapter_gguf(base, folder / f"peft{number}", made[-1], name=str(number))
    return made


def answer(client: RuntimeClient, worker: Worker, adapter: Path, prompt: str) -> list[int]:
    """Greedy token ids."""
    body = {"prompt": prompt, "n_predict": TOKENS, "temperature": 0, "return_tokens": True, "cache_prompt": True}
    found: list[int] = client.post("completion", {**body, "lora": worker.serving(adapter).lora()})["tokens"]
    return found


def alone(base: Path, adapter: Path, log: Path) -> tuple[dict[str, list[int]], float]:
    """An adapter's answers and the memory of its own worker, MB."""
    worker = open_load(Load(base, (adapter.resolve(),)), SETTINGS, log=log)
    try:
        with RuntimeClient(worker.url) as client:
            found = {prompt: answer(client, worker, adapter.resolve(), prompt) for prompt in PROMPTS}
        return found, worker.peak_rss_mb()
    finally:
        worker.stop()


def interleaved(
    base: Path, adapters: Sequence[Path], expected: Sequence[dict[str, list[int]]], requests: int, log: Path
) -> tuple[int, float]:
    """Wrong answers among so many requests in random order, four at once; and the worker's memory, MB."""
    worker = open_load(Load(base, tuple(one.resolve() for one in adapters)), SETTINGS, log=log)
    draws = random.Random(0)
    asked = [(draws.randrange(len(adapters)), draws.choice(PROMPTS)) for _ in range(requests)]
    try:
        with RuntimeClient(worker.url) as client, ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda one: answer(client, worker, adapters[one[0]].resolve(), one[1]), asked)
            wrong = sum(found != expected[at][prompt] for found, (at, prompt) in zip(answers, asked, strict=True))
        return wrong, worker.peak_rss_mb()
    finally:
        worker.stop()


def speed(file: Path, log: Path) -> tuple[float, float]:
    """Tokens a second, and milliseconds until the first token of a long prompt; medians of 5."""
    with (
        start_worker(file, SETTINGS.model_copy(update={"slots": 1}), log=log) as worker,
        RuntimeClient(worker.url) as client,
    ):
        ids = client.tokenize("my account is blocked and " * LONG)[:LONG]
        rates = [client.generation_speed(ids[:40], tokens=SPEED_TOKENS) for _ in range(5)]
        waits = []
        for _ in range(6):
            began = time.perf_counter()
            client.post("completion", {"prompt": ids, "n_predict": 1, "cache_prompt": False})
            waits.append(1000 * (time.perf_counter() - began))
    return statistics.median(rates), statistics.median(waits[1:])


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--requests", type=int, default=300)
    options = parser.parse_args()
    base = resolve_base("smollm2")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        log = folder / "worker.log"
        adapters = write_adapters(base, options.versions, folder)
        merge_into_gguf(base, folder / "peft0", folder / "merged.gguf")
        single = [alone(base, one, log) for one in adapters]
        expected = [found for found, _ in single]
        wrong, rss = interleaved(base, adapters, expected, options.requests, log)
        rates = {name: speed(file, log) for name, file in files(base, adapters[0], folder).items()}
        rss_1 = statistics.median(memory for _, memory in single)
        figures: dict[str, Any] = {
            "rss_1": round(rss_1, 1),
            f"rss_{options.versions}": round(rss, 1),
            "ratio": round(rss / rss_1, 3),
            "wrong": wrong,
            "requests": options.requests,
            **{f"tokens_s_{name}": round(rate, 1) for name, (rate, _) in rates.items()},
            **{f"first_ms_{name}": round(wait) for name, (_, wait) in rates.items()},
            "mb_adapter": round(adapters[0].stat().st_size / 1e6, 1),
            "mb_merged": round((folder / "merged.gguf").stat().st_size / 1e6, 1),
        }
    sys.stdout.write(json.dumps(figures) + "\n")


def files(base: Path, adapter: Path, folder: Path) -> dict[str, Path]:
    """What is timed."""
    return {"base": base, "adapter": adapter, "merged": folder / "merged.gguf"}


if __name__ == "__main__":
    main()
