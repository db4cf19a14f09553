"""Are our quantised files the ones `llama-quantize` writes? Builds it from the vendored source and compares every byte.

    python -m bench.quantise [--build FOLDER]

Needs cmake, a C++ compiler and about five minutes of two cores for the first build. For the built-in base and for a small
model of twelve layers whose rows do not divide by 256 (so that every fallback is met), each quantisation's tensors and types are compared.
Prints one JSON line; exit code 1 when a tensor differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gguf import GGUFReader
from transformers import Qwen2Config, Qwen2ForCausalLM

from afina.bases import semilla
from afina.bases.families import build_family
from afina.export.converter import vendored_source
from afina.export.export import Conversion, convert
from afina.export.merge import TOKENIZER_FILES, merge
from afina.export.quantise import quantise

KINDS = ("f16", "q8_0", "q4_0", "q4_k_m", "q5_k_m")
OPTIONS = ("CURL", "OPENSSL", "BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_SERVER")


def build(folder: Path) -> Path:
    """The `llama-quantize` of the vendored source."""
    binary = folder / "bin" / "llama-quantize"
    if not binary.is_file():
        off = [f"-DLLAMA_{name}=OFF" for name in OPTIONS]
        subprocess.run(
            [
                "cmake",
                "-S",
                vendored_source(),
                "-B",
                folder,
                "-DCMAKE_BUILD_TYPE=Release",
                "-DBUILD_SHARED_LIBS=OFF",
                *off,
            ],
            check=True,
            stdout=sys.stderr,
        )
        subprocess.run(
            ["cmake", "--build", folder, "--target", "llama-quantize", "-j", "2"], check=True, stdout=sys.stderr
        )
    return binary


def odd_model(folder: Path) -> None:
    """Rows that divide by 32 but not by 256; twelve layers, for `blk.10` sorts before `blk.2` as text only."""
    config = Qwen2Config(
        vocab_size=8192,
        hidden_size=96,
        intermediate_size=160,
        num_hidden_layers=12,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).float().save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (semilla.FOLDER / name).is_file():
            (folder / name).write_bytes((semilla.FOLDER / name).read_bytes())


def compare(plain: Path, kind: str, binary: Path, scratch: Path) -> dict[str, Any]:
    """Ours and theirs, tensor by tensor."""
    ours, theirs = scratch / f"ours-{kind}.gguf", scratch / f"theirs-{kind}.gguf"
    types = quantise(plain, ours, quantisation=kind)
    subprocess.run([binary, plain, theirs, kind.upper()], check=True, capture_output=True)
    own = {tensor.name: tensor for tensor in GGUFReader(ours).tensors}
    different = [
        tensor.name
        for tensor in GGUFReader(theirs).tensors
        if own[tensor.name].tensor_type != tensor.tensor_type
        or own[tensor.name].data.tobytes() != tensor.data.tobytes()
    ]
    return {"tensors": len(own), "different": different, "types": types}


def main() -> None:
    """Build, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path(tempfile.gettempdir()) / "afina-llama-quantize")
    binary = build(parser.parse_args().build)
    results: dict[str, dict[str, Any]] = {}
    for name in ("semilla", "phi3", "rows_of_96"):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            if name == "semilla":
                merge(semilla.FOLDER, None, root / "model")
            elif name == "phi3":
                build_family(name, root / "model")
            else:
                odd_model(root / "model")
            convert(root / "model", root / "f32.gguf", Conversion(name=name))
            results[name] = {kind: compare(root / "f32.gguf", kind, binary, root) for kind in KINDS}
    different = sum(len(cell["different"]) for kinds in results.values() for cell in kinds.values())
    sys.stdout.write(json.dumps({"different": different, "models": results}) + "\n")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
