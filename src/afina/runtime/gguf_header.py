"""A GGUF's keys and tensors, read by ggml itself: 150,000 tokens in milliseconds, where the `gguf` package takes seconds."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, c_bool, c_char_p, c_int32, c_int64, c_size_t, c_void_p, string_at
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFValueType

from afina.errors import ModelError
from afina.runtime.llama import Signatures, declared

NUMBERS = {
    GGUFValueType.UINT8: np.uint8, GGUFValueType.INT8: np.int8, GGUFValueType.UINT16: np.uint16, GGUFValueType.INT16: np.int16,
    GGUFValueType.UINT32: np.uint32, GGUFValueType.INT32: np.int32, GGUFValueType.FLOAT32: np.float32,
    GGUFValueType.BOOL: np.bool_, GGUFValueType.UINT64: np.uint64, GGUFValueType.INT64: np.int64, GGUFValueType.FLOAT64: np.float64,
}  # fmt: skip
MOST_DIMENSIONS = 4


class InitParams(Structure):
    """`struct gguf_init_params`: read keys and shapes, allocate nothing."""

    _fields_ = (("no_alloc", c_bool), ("context", c_void_p))


SIGNATURES: Signatures = {
    "gguf_init_from_file": ([c_char_p, InitParams], c_void_p),
    "gguf_free": ([c_void_p], None),
    "gguf_find_key": ([c_void_p, c_char_p], c_int64),
    "gguf_get_kv_type": ([c_void_p, c_int64], c_int32),
    "gguf_get_val_str": ([c_void_p, c_int64], c_char_p),
    "gguf_get_val_data": ([c_void_p, c_int64], c_void_p),
    "gguf_get_arr_type": ([c_void_p, c_int64], c_int32),
    "gguf_get_arr_n": ([c_void_p, c_int64], c_size_t),
    "gguf_get_arr_data": ([c_void_p, c_int64], c_void_p),
    "gguf_get_arr_str": ([c_void_p, c_int64, c_size_t], c_char_p),
    "gguf_get_n_tensors": ([c_void_p], c_int64),
    "gguf_get_tensor_name": ([c_void_p, c_int64], c_char_p),
    "gguf_get_tensor_type": ([c_void_p, c_int64], c_int32),
    "gguf_get_tensor_ne": ([c_void_p, c_int64], POINTER(c_int64)),
    "gguf_get_tensor_offset": ([c_void_p, c_int64], c_size_t),
    "gguf_get_tensor_size": ([c_void_p, c_int64], c_size_t),
    "gguf_get_data_offset": ([c_void_p], c_size_t),
}


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where a tensor is. `shape` is (rows, columns); a vector's is (1, n). `offset` counts from the file's beginning."""

    name: str
    kind: GGMLQuantizationType
    shape: tuple[int, int]
    offset: int
    size: int

    def rows(self, path: Path) -> npt.NDArray[np.uint8]:
        """Its blocks, mapped: (rows, bytes of a row)."""
        shape = (self.shape[0], self.size // self.shape[0])
        return np.memmap(path, dtype=np.uint8, mode="r", offset=self.offset, shape=shape)


class GgufKeys:
    """An open file's keys. What a key leads to is None where there is no such key."""

    def __init__(self, context: int) -> None:
        self.context, self.lib = context, declared(SIGNATURES)

    def find(self, key: str) -> int | None:
        """The key's number."""
        found = int(self.lib.gguf_find_key(self.context, key.encode()))
        return found if found >= 0 else None

    def text(self, key: str) -> str | None:
        """A text."""
        at = self.find(key)
        if at is None or self.lib.gguf_get_kv_type(self.context, at) != GGUFValueType.STRING:
            return None
        return str(self.lib.gguf_get_val_str(self.context, at).decode(errors="replace"))

    def number(self, key: str) -> float | None:
        """A number of any type, or a truth value."""
        at = self.find(key)
        kind = NUMBERS.get(self.lib.gguf_get_kv_type(self.context, at)) if at is not None else None
        if at is None or kind is None:
            return None
        raw = string_at(self.lib.gguf_get_val_data(self.context, at), np.dtype(kind).itemsize)
        return float(np.frombuffer(raw, kind)[0])

    def numbers(self, key: str) -> npt.NDArray[np.generic] | None:
        """A copy of a list of numbers."""
        at = self.find(key)
        if at is None or self.lib.gguf_get_kv_type(self.context, at) != GGUFValueType.ARRAY:
            return None
        kind = NUMBERS.get(self.lib.gguf_get_arr_type(self.context, at))
        if kind is None:
            return None
        count = self.lib.gguf_get_arr_n(self.context, at)
        raw = string_at(self.lib.gguf_get_arr_data(self.context, at), count * np.dtype(kind).itemsize)
        return np.frombuffer(raw, kind)

    def texts(self, key: str, places: Iterable[int]) -> list[str]:
        """Some texts of a list."""
        at = self.find(key)
        if at is None:
            return []
        return [self.lib.gguf_get_arr_str(self.context, at, n).decode(errors="replace") for n in places]

    def tensors(self) -> Iterator[GgufTensor]:
        """Every tensor, in the file's order."""
        lib, context = self.lib, self.context
        start = lib.gguf_get_data_offset(context)
        for at in range(lib.gguf_get_n_tensors(context)):
            sizes = lib.gguf_get_tensor_ne(context, at)[:MOST_DIMENSIONS]
            yield GgufTensor(
                name=lib.gguf_get_tensor_name(context, at).decode(errors="replace"),
                kind=known_kind(lib.gguf_get_tensor_type(context, at)),
                shape=(int(np.prod(sizes[1:])), int(sizes[0])),
                offset=start + lib.gguf_get_tensor_offset(context, at),
                size=lib.gguf_get_tensor_size(context, at),
            )


def known_kind(number: int) -> GGMLQuantizationType:
    """A tensor's type by its number.

    Raises:
        ModelError: the `gguf` package does not know it.
    """
    try:
        return GGMLQuantizationType(number)
    except ValueError as exc:
        raise ModelError(
            f"a tensor has type {number}, which is unknown here", remedy="take a file of another type"
        ) from exc


@contextmanager
def open_keys(path: Path) -> Iterator[GgufKeys]:
    """A file's keys and tensors for as long as the block runs.

    Raises:
        ModelError: ggml does not read it.
    """
    lib = declared(SIGNATURES)
    context = lib.gguf_init_from_file(str(path).encode(), InitParams(True, None))
    if not context:
        raise ModelError(f"{path}: the file is cut short or damaged", remedy="run `afina export` again")
    try:
        yield GgufKeys(context)
    finally:
        lib.gguf_free(context)
