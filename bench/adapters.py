"""One base, many versions: ten adapters served by one worker, against one; and an adapter's speed against a merged file's.

    python -m bench.adapters [--versions 10] [--requests 300]

SmolLM2-135M-Instruct (Q4_1) with random adapters of rank 16 on every linear layer, each of which was asked alone first. Prints one JSON line:
`rss_1` and `rss_10` (MB, peak of the worker, the same requests to one version and to ten), `ratio`, `rss_1_quiet` (one after another); `wrong`: of
`requests` in random order, four at once, prompts cached, those whose next token's probabilities are nearer to another adapter's, or to the base's,
than to their own's; `farthest` (largest mean difference from one's own, nats) and `nearest_other`; `tokens_s_base`, `tokens_s_adapter`,
`tokens_s_merged` (greedy, one request; medians of 5), `first_ms_…` (a prompt of 400 tokens), `mb_adapter`, `mb_merged`.
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
TOP, SPEED_TOKENS, LONG = 20, 128, 400
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
        made.append((folder / f"a{number}.gguf").resolve())
        write_adapter_gguf(base, folder / f"peft{number}", made[-1], name=str(number))
    return made


Distribution = dict[int, float]
"""Token → log-probability, of the likeliest ones."""


def next_token(client: RuntimeClient, worker: Worker, adapter: Path | None, prompt: str) -> Distribution:
    """What comes after a prompt. Not the text: greedy answers of nonsense adapters turn over at the smallest rounding."""
    body = {"prompt": prompt, "n_predict": 1, "n_probs": TOP, "temperature": 0, "cache_prompt": True}
    found = client.post("completion", {**body, "lora": worker.serving(adapter).lora()})
    return {one["id"]: float(one["logprob"]) for one in found["completion_probabilities"][0]["top_logprobs"]}


def distance(one: Distribution, other: Distribution) -> float:
    """Mean difference over the tokens of either, nats; a token that is missing has the least likely one's value."""
    floors = min(one.values()), min(other.values())
    tokens = one.keys() | other.keys()
    return sum(abs(one.get(t, floors[0]) - other.get(t, floors[1])) for t in tokens) / len(tokens)


def alone(base: Path, adapter: Path | None, log: Path) -> tuple[dict[str, Distribution], float]:
    """What an adapter says by itself, and the memory of its own worker, MB."""
    worker = open_load(Load(base, (adapter,) if adapter else ()), SETTINGS, log=log)
    try:
        with RuntimeClient(worker.url) as client:
            found = {prompt: next_token(client, worker, adapter, prompt) for prompt in PROMPTS}
        return found, worker.peak_rss_mb()
    finally:
        worker.stop()


def interleaved(
    base: Path, adapters: Sequence[Path], references: Sequence[dict[str, Distribution]], requests: int, log: Path
) -> dict[str, float]:
    """So many requests in random order, four at once, of the adapters and of the base (the last reference)."""
    worker = open_load(Load(base, tuple(adapters)), SETTINGS, log=log)
    draws, every = random.Random(0), [*adapters, None]
    asked = [(draws.randrange(len(every)), draws.choice(PROMPTS)) for _ in range(requests)]
    try:
        with RuntimeClient(worker.url) as client, ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda one: next_token(client, worker, every[one[0]], one[1]), asked))
        far = [
            [distance(answer, one[prompt]) for one in references]
            for answer, (_, prompt) in zip(found, asked, strict=True)
        ]
        others = [min(one[:at] + one[at + 1 :]) for one, (at, _) in zip(far, asked, strict=True)]
        own = [one[at] for one, (at, _) in zip(far, asked, strict=True)]
        return {
            "wrong": sum(mine >= other for mine, other in zip(own, others, strict=True)),
            "farthest": round(max(own), 3),
            "nearest_other": round(min(others), 3),
            "rss": round(worker.peak_rss_mb(), 1),
        }
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
        single = [alone(base, one, log) for one in (*adapters, None)]
        together = interleaved(base, adapters, [found for found, _ in single], options.requests, log)
        rates = {name: speed(file, log) for name, file in files(base, adapters[0], folder).items()}
        # The same load on one version: four requests at once need more than one after another, whoever answers.
        rss_1 = interleaved(base, adapters[:1], [single[0][0], single[-1][0]], options.requests, log)["rss"]
        figures: dict[str, Any] = {
            "rss_1": rss_1,
            "rss_1_quiet": round(statistics.median(memory for _, memory in single[:-1]), 1),
            f"rss_{options.versions}": together.pop("rss"),
            **together,
            "requests": options.requests,
            **{f"tokens_s_{name}": round(rate, 1) for name, (rate, _) in rates.items()},
            **{f"first_ms_{name}": round(wait) for name, (_, wait) in rates.items()},
            "mb_adapter": round(adapters[0].stat().st_size / 1e6, 1),
            "mb_merged": round((folder / "merged.gguf").stat().st_size / 1e6, 1),
        }
    figures["ratio"] = round(figures[f"rss_{options.versions}"] / figures["rss_1"], 3)
    sys.stdout.write(json.dumps(figures) + "\n")


def files(base: Path, adapter: Path, folder: Path) -> dict[str, Path]:
    """What is timed."""
    return {"base": base, "adapter": adapter, "merged": folder / "merged.gguf"}


if __name__ == "__main__":
    main()
