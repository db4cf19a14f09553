"""ggml's own quantisers, called in the shared library that also serves the file.

Quantised by another implementation of the same formats, a file differs in rounding from the one `llama-quantize`
writes; called here, it is the same byte for byte. The library is the one inside `xllamacpp`; a test pins the symbol.
"""

import ctypes
import functools
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import quantize
from numpy.typing import NDArray

Kind = GGMLQuantizationType
SYMBOL = "ggml_quantize_chunk"
REPLACEMENT = {Kind.Q6_K: Kind.Q8_0}
"""Without the library's function only what the `gguf` package can write itself: q8_0, q4_0 and q6_k → q8_0."""
ROWS_PER_CALL = 1024


@functools.cache
def library() -> Any:
    """`ggml_quantize_chunk(type, src, dst, start, rows, columns, imatrix) → bytes`, or None where it is not exported."""
    found = importlib.util.find_spec("xllamacpp")
    folder = Path(found.origin).parent if found and found.origin else Path()
    for file in sorted(folder.glob("xllamacpp*.so")):
        function = getattr(ctypes.CDLL(str(file)), SYMBOL, None)
        if function is not None:
            function.restype = ctypes.c_size_t
            function.argtypes = [
                ctypes.c_int,
                ctypes.c_void_p,
                ctypes.c_void_p,
                ctypes.c_int64,
                ctypes.c_int64,
                ctypes.c_int64,
                ctypes.c_void_p,
            ]
            return function
    return None


def available() -> bool:
    """Whether K-quants can be written here."""
    return library() is not None


def encode(data: NDArray[np.float32], kind: GGMLQuantizationType, *, threads: int = 2) -> NDArray[Any]:
    """A float32 tensor (…, columns) in a GGUF type: float arrays for F32 and F16, else bytes (…, bytes of a row)."""
    if kind is Kind.F32:
        return data
    if kind is Kind.F16:
        return data.astype(np.float16)
    function = library()
    if function is None:
        return quantize(data, REPLACEMENT.get(kind, kind))
    columns = data.shape[-1]
    block, size = GGML_QUANT_SIZES[kind]
    rows = data.size // columns
    source = np.ascontiguousarray(data)
    out = np.empty((*data.shape[:-1], columns // block * size), dtype=np.uint8)

    def some(first: int) -> None:
        count = min(ROWS_PER_CALL, rows - first)
        function(kind.value, source.ctypes.data, out.ctypes.data, first * columns, count, columns, None)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(0, rows, ROWS_PER_CALL)))
    return out
