"""Is this file a whole GGUF? Checked before a worker sees it: llama.cpp's own message only reaches its log."""

import struct
from pathlib import Path

from gguf import GGUFReader

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
