"""Do a role's commands run on a base of 3 billion weights within 8 GB? Its shape, not its sense: the weights are random.

    python -m bench.roles_3b [--minutes 4] [--limit-gb 8] [--folder DIR]

The file: Qwen2.5-3B's layers (36 of 2,048, inner 11,008) in Q4_K with the tokens and the template of SmolLM2, so that prompts, grammar and
chat template are real ones. Two commands of docs/roles.md, each as a person types it: `afina roles ba` (random words, bound by the schema; an
answer may have 600 tokens) and `afina learn` on the analyst's authored examples, to the checked export.

Both run in a control group with that much memory (needs root; 0 = without): what does not fit is killed by the kernel.

Prints one JSON line: `weights`, `file_gb`, `limit_gb`, `run_gb`, `learn_gb` (the largest of `stages_gb`: memory of all processes of the
command, shared pages counted once, the file's pages included, polled every two seconds; 10⁹ bytes), `tokens_per_sec` (of the answer, its
prompt included), `run_exit`, `steps`, `exported`, `minutes`.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType

from afina.export.ggml import encode
from afina.roles import find_role

LAYERS, HIDDEN, INNER, HEADS, KV_HEADS = 36, 2048, 11008, 16, 2
Q4_K = GGMLQuantizationType.Q4_K
CONCEPT = "Telemedicine for rural areas"
TOKENS, SECONDS, HELD_OUT = 600, 900, 10
BEGINS, EXPORTED = "… ", "✓ export"


def write_file(tokens_of: Path, out: Path) -> int:
    """The shape with another file's tokens. Every layer has the first one's numbers: that costs neither memory nor time another way."""
    fields = GGUFReader(tokens_of).fields
    words = len(fields["tokenizer.ggml.tokens"].data)
    writer = GGUFWriter(out, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(8192)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(words)
    writer.add_file_type(LlamaFileType.MOSTLY_Q4_K_S)
    for name, field in fields.items():
        if name.startswith("tokenizer."):
            of_list = field.types[1] if field.types[0] is GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], of_list)
    kv = HIDDEN // HEADS * KV_HEADS
    sizes = {
        "attn_q": (HIDDEN, HIDDEN),
        "attn_k": (kv, HIDDEN),
        "attn_v": (kv, HIDDEN),
        "attn_output": (HIDDEN, HIDDEN),
        "ffn_gate": (INNER, HIDDEN),
        "ffn_up": (INNER, HIDDEN),
        "ffn_down": (HIDDEN, INNER),
    }
    random = np.random.default_rng(0)
    matrices = {name: encode(random.normal(0, 0.02, size).astype(np.float32), Q4_K) for name, size in sizes.items()}
    head = encode(random.normal(0, 0.02, (words, HIDDEN)).astype(np.float32), Q4_K)
    writer.add_tensor("token_embd.weight", head, raw_dtype=Q4_K)
    writer.add_tensor("output_norm.weight", np.ones(HIDDEN, np.float32))
    for layer in range(LAYERS):
        for name, value in matrices.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", value, raw_dtype=Q4_K)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(HIDDEN, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return words * HIDDEN + LAYERS * sum(rows * columns for rows, columns in sizes.values())


@contextmanager
def limited(gigabytes: float) -> Iterator[Path | None]:
    """A control group with so much memory, of either version; None without a limit."""
    if not gigabytes:
        yield None
        return
    version_1 = Path("/sys/fs/cgroup/memory")
    group = (version_1 if version_1.is_dir() else version_1.parent) / "afina-bench"
    group.mkdir(exist_ok=True)
    name = "memory.limit_in_bytes" if version_1.is_dir() else "memory.max"
    (group / name).write_text(str(int(gigabytes * 1e9)), "utf-8")
    yield group
    group.rmdir()


class Command:
    """A command with what it and its children take in each stage, and its lines as they come."""

    def __init__(self, arguments: list[str], folder: Path, group: Path | None) -> None:
        self.stage, self.peaks = "", dict[str, int]()

        enter = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"] if group else []
        told = [*enter, sys.executable, "-m", "afina", *arguments]
        self.process = subprocess.Popen(told, cwd=folder, text=True, stderr=subprocess.PIPE, stdout=sys.stderr)
        self.watch = threading.Thread(target=self.poll, daemon=True)
        self.watch.start()

    def poll(self) -> None:
        """Until it ends."""
        while self.process.poll() is None:
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0), proportional(self.process.pid))
            time.sleep(2)

    def lines(self) -> Iterator[str]:
        """What it says."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            sys.stderr.write(line)
            if line.startswith(BEGINS):
                self.stage = line.removeprefix(BEGINS).strip()
            yield line

    def gigabytes(self) -> dict[str, float]:
        """The most that was seen of each stage, once it has ended."""
        self.watch.join()
        return {stage: round(peak / 1e9, 2) for stage, peak in self.peaks.items() if stage}


def proportional(pid: int) -> int:
    """Memory of a process and all below it, in bytes; a page that several share counts once."""
    total = 0
    try:
        root = psutil.Process(pid)
        for one in (root, *root.children(recursive=True)):
            total += one.memory_full_info().pss
    except psutil.Error:  # it ended meanwhile
        pass
    return total


def run_role(file: Path, folder: Path, group: Path | None) -> dict[str, Any]:
    """`afina roles ba` once, answered with the file."""
    role = {"provider": "afina", "model": str(file), "max_tokens": TOKENS, "timeout": SECONDS}
    (folder / "config.yaml").write_text(json.dumps({"roles": {"ba": role}}), "utf-8")
    command = Command(["roles", "ba", CONCEPT], folder, group)
    for _ in command.lines():
        pass
    rows = [json.loads(line) for path in folder.rglob("answers.jsonl") for line in path.read_text("utf-8").splitlines()]
    tokens, seconds = (sum(row[name] for row in rows) for name in ("tokens", "seconds"))
    return {
        "run_gb": max(command.gigabytes().values()),
        "run_exit": command.process.wait(),
        "answers": len(rows),
        "tokens_per_sec": round(tokens / seconds, 1),
    }


def tune_role(file: Path, folder: Path, group: Path | None, *, minutes: float) -> dict[str, Any]:
    """`afina learn` with the analyst's recipe, to the checked export; judging random weights is left out."""
    role = find_role("ba", project=folder)
    rows = [{"id": seed.id, "text": seed.question, "expected": seed.answer} for seed in role.seeds()]
    for name, part in (("train", rows[:-HELD_OUT]), ("test", rows[-HELD_OUT:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), "utf-8")
    command = ["learn", "--recipe", str(role.folder / "recipe.toml"), "--schema", str(role.folder / "schema.json")]
    command += ["--data", "train.jsonl", "--test", "test.jsonl", "--base", str(file), "--work", "work"]
    learning = Command([*command, "--minutes", str(minutes)], folder, group)
    exported = False
    for line in learning.lines():
        if line.startswith(EXPORTED):
            exported = True
            learning.process.terminate()
    peaks = learning.gigabytes()
    curves = [path.read_text("utf-8").splitlines() for path in folder.rglob("curve.jsonl")]
    steps = max((json.loads(line)["step"] for curve in curves for line in curve), default=0)
    return {"learn_gb": max(peaks.values()), "stages_gb": peaks, "steps": steps, "exported": exported}


def main() -> None:
    """Write the file, run both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--limit-gb", type=float, default=8)
    parser.add_argument("--folder", type=Path, help="where the file lies or is put; default: a temporary folder")
    options = parser.parse_args()
    began = time.monotonic()
    with TemporaryDirectory() as passing:
        folder = options.folder or Path(passing)
        file = folder / "3b-q4_k.gguf"
        pull = [sys.executable, "-m", "afina", "base", "pull", "smollm2"]
        pulled = subprocess.run(pull, check=True, text=True, stdout=subprocess.PIPE).stdout
        weights = write_file(Path(pulled.strip()), file)
        found: dict[str, Any] = {
            "bench": "roles_3b",
            "weights": weights,
            "file_gb": round(file.stat().st_size / 1e9, 2),
            "limit_gb": options.limit_gb,
        }
        for part in (run_role, partial(tune_role, minutes=options.minutes)):
            with TemporaryDirectory(dir=folder) as own, limited(options.limit_gb) as group:
                found |= part(file, Path(own), group)
        found["minutes"] = round((time.monotonic() - began) / 60, 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
