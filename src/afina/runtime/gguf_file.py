"""Is this file a whole GGUF? Checked before a worker sees it: llama.cpp's own message only reaches its log."""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from gguf import LlamaFileType, TokenType

from afina.errors import ModelError
from afina.runtime.gguf_header import GgufTensor, open_keys


def check_gguf(path: Path) -> tuple[GgufTensor, ...]:
    """The tensors of a GGUF, after making sure that every one lies inside the file.

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
    with open_keys(path) as keys:
        tensors = tuple(keys.tensors())
    end = max((tensor.offset + tensor.size for tensor in tensors), default=0)
    if end > size or not tensors:
        raise ModelError(f"{path}: the file is cut short ({size} of {end} bytes)", remedy="run `afina export` again")
    return tensors


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """What a GGUF says of itself. `control` are the texts of its control tokens; sizes in weights and bytes."""

    architecture: str
    quantisation: str
    parameters: int
    size: int
    modified: float
    control: frozenset[str]

    @property
    def kind(self) -> str:
        """The quantisation as settings and limits call it: q4_k_m, f32."""
        return self.quantisation.lower().removeprefix("all_")


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
    tensors = check_gguf(path)
    with open_keys(path) as keys:
        types = keys.numbers("tokenizer.ggml.token_type")
        places = [] if types is None else np.flatnonzero(types == TokenType.CONTROL).tolist()
        control = frozenset(keys.texts("tokenizer.ggml.tokens", places))
        file_type, architecture = keys.number("general.file_type"), keys.text("general.architecture")
    return GgufFacts(
        architecture=architecture or "",
        quantisation=LlamaFileType(int(file_type)).name.removeprefix("MOSTLY_") if file_type is not None else "",
        parameters=sum(math.prod(tensor.shape) for tensor in tensors),
        size=path.stat().st_size,
        modified=modified,
        control=control,
    )
