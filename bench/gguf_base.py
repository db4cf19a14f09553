"""A GGUF as the base of a training: every family in every type, and what a 3B shape in Q4_K takes.

    python -m bench.gguf_base [--only families,3b] [--steps 2] [--folder DIR]

Families: each small model as a GGUF in six types; from the file decoded model's logits beside its folder's, and the
served file's divergence from it. 3B: Qwen2.5's shape, Q4_K, random weights, 1,024 tokens an optimiser step as in `bench.train_memory`: peak
resident memory, loading and the file's mapped pages included; speed beside the same weights in float32; and what is private to the training
while a server of the same file runs, whose pages it shares (polled). Each run is a process of its own; the first step is not counted.

Prints one JSON line: `families`, `cells`, `failed`, `max_logit_diff_f16`, `kl_q4` (largest mean divergence of the two four-bit types),
`rss_3b_q4_gb` and `speed_3b_tight` where memory is short and freed memory is given back, `rss_3b_q4_roomy_gb` and `speed_3b` where it is
kept, as on a machine with four times that memory (speed: share of float32's), `rss_beside_server_gb`, and the runs.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from transformers import AutoModelForCausalLM

from afina.bases.families import FAMILIES, build_family
from afina.export.export import Conversion, convert
from afina.export.ggml import encode
from afina.export.merge import Trained
from afina.export.parity import Check, check_parity
from afina.export.quantise import quantise
from afina.runtime import start_worker
from afina.runtime.gguf_model import decoded_model
from afina.runtime.renderer import renderer_of
from afina.settings import RuntimeSettings, TrainSettings
from afina.train.loop import trainable_model
from afina.train.storage import Dense, attach
from bench.peers import QWEN_05B, RANK, SHAPES
from bench.train_memory import step_times

KINDS = ("f32", "f16", "q8_0", "q5_k_m", "q4_k_m", "q4_0")
IDS = torch.arange(4, 260).view(1, 256) % 999
Q4_K = GGMLQuantizationType.Q4_K


def families(folder: Path) -> dict[str, Any]:
    """Every family in every type."""
    cells: list[dict[str, Any]] = []
    for name in FAMILIES:
        build_family(name, folder / name)
        plain = folder / f"{name}-f32.gguf"
        convert(folder / name, plain, Conversion(name=name, end=renderer_of(folder / name).end_id(), of=folder / name))
        for kind in KINDS:
            file = folder / f"{name}-{kind}.gguf"
            if kind != "f32":
                quantise(plain, file, quantisation=kind)
            check = Check(quantisation=kind, log=folder / "worker.log", same_weights=True)
            parity = check_parity(Trained(file), file, RuntimeSettings(context=512, slots=1), check)
            found: dict[str, Any] = {
                "family": name,
                "kind": kind,
                "kl": parity.mean_divergence,
                "passed": parity.passed,
            }
            cells.append({**found, **({"logits": logit_difference(folder / name, file)} if kind == "f16" else {})})
            sys.stderr.write(f"{cells[-1]}\n")
    return {
        "families": len(FAMILIES),
        "cells": len(cells),
        "failed": sum(not cell["passed"] for cell in cells),
        "max_logit_diff_f16": max(cell["logits"] for cell in cells if "logits" in cell),
        "kl_q4": max(cell["kl"] for cell in cells if cell["kind"] in {"q4_k_m", "q4_0"}),
    }


def logit_difference(folder: Path, file: Path) -> float:
    """The largest, of the file's model from the folder's with its matrices rounded to float16."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
                module.weight.copy_(module.weight.half())
        return float((model(IDS).logits - decoded_model(file)(IDS).logits).abs().max())


def write_3b(out: Path) -> None:
    """Qwen2.5-3B's shape in Q4_K; every layer has the first one's numbers, which costs neither memory nor time another way."""
    shape = {**QWEN_05B, **SHAPES["3b"]}
    hidden, inner, layers = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
    heads, kv_heads = shape["num_attention_heads"], shape["num_key_value_heads"]
    kv = hidden // heads * kv_heads
    writer = GGUFWriter(out, "qwen2")
    writer.add_block_count(layers)
    writer.add_context_length(2048)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(LlamaFileType.MOSTLY_Q4_K_S)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(shape["vocab_size"])
    torch.manual_seed(0)
    sizes = {
        "attn_q": (hidden, hidden),
        "attn_k": (kv, hidden),
        "attn_v": (kv, hidden),
        "attn_output": (hidden, hidden),
        "ffn_gate": (inner, hidden),
        "ffn_up": (inner, hidden),
        "ffn_down": (hidden, inner),
    }
    matrices = {name: encode((torch.randn(size) * 0.02).numpy(), Q4_K) for name, size in sizes.items()}
    words = encode((torch.randn(shape["vocab_size"], hidden) * 0.02).numpy(), Q4_K)
    writer.add_tensor("token_embd.weight", words, raw_dtype=Q4_K)
    writer.add_tensor("output_norm.weight", torch.ones(hidden).numpy())
    for layer in range(layers):
        for name, value in matrices.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", value, raw_dtype=Q4_K)
        for name, size in (("attn_q", hidden), ("attn_k", kv), ("attn_v", kv)):
            writer.add_tensor(f"blk.{layer}.{name}.bias", torch.zeros(size).numpy())
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", torch.ones(hidden).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Watch:
    """The largest private memory of this process, polled: peaks shorter than 20 ms may be missed."""

    def __init__(self) -> None:
        self.peak = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Until the process ends."""
        while True:
            status = Path("/proc/self/status").read_text("utf-8").splitlines()
            private = sum(int(line.split()[1]) for line in status if line.startswith(("RssAnon", "RssShmem")))
            self.peak = max(self.peak, private)
            time.sleep(0.02)


def measure(file: Path, *, how: str, steps: int) -> dict[str, Any]:
    """In this process: load, train, report peak memory in GB (10⁹ bytes) and seconds of every step but the first.

    `how`: from the file's blocks, freed memory returned (blocks) or kept (roomy), or from the decoded weights (dense).
    """
    watch, dense = Watch(), how == "dense"
    lora = {"r": RANK, "lora_alpha": 2 * RANK, "lora_dropout": 0.0}
    settings = TrainSettings.model_validate(
        {"lora": lora, "training": {"gradient_checkpointing": True, "learning_rate": 1e-4, "threads": 2}}
    )
    model = trainable_model(settings, base=file, start=None, tight=how == "blocks").train()
    if dense:
        for module in model.modules():
            if (kept := getattr(module, "stored", None)) is not None:
                attach(module, Dense(kept.dense().clone()))
    times = step_times(model, settings, steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {
        "rss_gb": round(peak, 2),
        "private_gb": round(watch.peak * 1024 / 1e9, 2),
        "step_s": [round(t, 1) for t in times],
    }


def in_process(file: Path, how: str, steps: int) -> dict[str, Any]:
    """`measure` in a process of its own, so that peaks do not mix."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.gguf_base", "--measure", how, "--folder", str(file)]
    done = subprocess.run([*command, "--steps", str(steps)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    sys.stderr.write(f"{file.name} {how}: {found}\n")
    return found


def large(folder: Path, steps: int) -> dict[str, Any]:
    """The 3B shape."""
    file = folder / "3b-q4_k.gguf"
    if not file.is_file():
        write_3b(file)
    tight, roomy, dense = (in_process(file, how, steps) for how in ("blocks", "roomy", "dense"))
    slow, fast = (
        round(statistics.median(dense["step_s"]) / statistics.median(one["step_s"]), 3) for one in (tight, roomy)
    )
    return {
        "rss_3b_q4_gb": tight["rss_gb"],
        "speed_3b": fast,
        "speed_3b_tight": slow,
        "rss_3b_q4_roomy_gb": roomy["rss_gb"],
        "blocks_3b": tight,
        "roomy_3b": roomy,
        "float32_3b": dense,
    }


def beside(folder: Path) -> dict[str, Any]:
    """Training beside a server of the same file, which answers nobody meanwhile."""
    file = folder / "3b-q4_k.gguf"
    with start_worker(file, RuntimeSettings(context=512, slots=1), log=folder / "worker.log"):
        return {"rss_beside_server_gb": in_process(file, "blocks", 1)["private_gb"]}


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="families,3b")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the 3B file lies or is put; default: a temporary folder")
    parser.add_argument("--measure", choices=["blocks", "roomy", "dense"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(measure(options.folder, how=options.measure, steps=options.steps)) + "\n")
        return
    found: dict[str, Any] = {"torch": torch.__version__}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if "families" in options.only.split(","):
            found |= families(Path(scratch))
        if "3b" in options.only.split(","):
            found |= large(folder, options.steps)
            found |= beside(folder)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
