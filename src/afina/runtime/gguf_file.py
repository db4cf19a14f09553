"""Is this file a whole GGUF? Checked before a worker sees it: llama.cpp's own message only reaches its log."""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gguf import GGUFReader, LlamaFileType, TokenType

from afina.errors import ModelError


def check_gguf(path: Path) -> GGUFReader:
    """Open a GGUF and make sure that every tensor lies inside the file.

    Raises:
        ModelError: missing, empty, of another kind, or cut short.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
    if size == 0 or head[:4] != b"GGUF":
        raise ModelError(f"{path}: not a GGUF file", remedy="run `afina export` again")
    try:
        reader = GGUFReader(path)
        end = max((int(t.data_offset) + int(t.n_bytes) for t in reader.tensors), default=0)
    except (ValueError, IndexError, KeyError, struct.error, OSError) as exc:
        raise ModelError(f"{path}: the file is cut short or damaged", remedy="run `afina export` again") from exc
    if end > size or not reader.tensors:
        raise ModelError(f"{path}: the file is cut short ({size} of {end} bytes)", remedy="run `afina export` again")
    return reader


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """What a GGUF says of itself. `control` are the texts of its control tokens; sizes in weights and bytes."""

    architecture: str
    quantisation: str
    parameters: int
    size: int
    modified: float
    control: frozenset[str]


def gguf_facts(path: Path) -> GgufFacts:
    """Read what a file says of itself; remembered until the file changes.

    Raises:
        ModelError: see `check_gguf`.
    """
    stat = path.stat() if path.is_file() else None
    return read_facts(path, stat.st_mtime if stat else 0.0)


@lru_cache(maxsize=16)
def read_facts(path: Path, modified: float) -> GgufFacts:
    """`gguf_facts` of one state of a file."""
    reader = check_gguf(path)

    def value(key: str) -> Any:
        return reader.fields[key].contents() if key in reader.fields else None

    tokens, types = value("tokenizer.ggml.tokens") or [], value("tokenizer.ggml.token_type") or []
    control = frozenset(text for text, kind in zip(tokens, types, strict=False) if kind == TokenType.CONTROL)
    file_type = value("general.file_type")
    return GgufFacts(
        architecture=str(value("general.architecture") or ""),
        quantisation=LlamaFileType(file_type).name.removeprefix("MOSTLY_") if file_type is not None else "",
        parameters=sum(int(tensor.n_elements) for tensor in reader.tensors),
        size=path.stat().st_size,
        modified=modified,
        control=control,
    )
