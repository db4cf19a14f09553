"""Quantised blocks → float32, by the decoders of the runtime itself: what training reads is what the server computes with."""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_int64, c_size_t, c_void_p
from functools import cache

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType
from gguf.constants import GGML_QUANT_SIZES

from afina.errors import ModelError
from afina.runtime.llama import library

Kind = GGMLQuantizationType
DECODER = CFUNCTYPE(None, c_void_p, c_void_p, c_int64)
ALONE_BELOW = 2**18
"""Weights below which a second thread costs more than it saves."""


class Traits(Structure):
    """`struct ggml_type_traits`: what ggml knows of a type."""

    _fields_ = (
        ("type_name", c_char_p),
        ("block", c_int64),
        ("block_interleaved", c_int64),
        ("block_bytes", c_size_t),
        ("is_quantized", c_bool),
        ("to_float", c_void_p),
        ("from_float", c_void_p),
    )


@cache
def decoder(kind: GGMLQuantizationType) -> Callable[[int, int, int], None]:
    """ggml's function (blocks, float32 out, weights) of a type.

    Raises:
        ModelError: ggml cannot decode it, or knows it by another size than the `gguf` package.
    """
    function = library().ggml_get_type_traits
    function.argtypes, function.restype = [ctypes.c_int], POINTER(Traits)
    traits = function(int(kind)).contents
    if (traits.block, traits.block_bytes) != GGML_QUANT_SIZES[kind] or not traits.to_float:
        raise ModelError(
            f"the quantisation {kind.name} cannot be decoded by this xllamacpp", remedy="run `make install`"
        )
    return DECODER(traits.to_float)


POOL = ThreadPoolExecutor(2, thread_name_prefix="ggml")


def decode(kind: GGMLQuantizationType, rows: npt.NDArray[np.uint8], out: npt.NDArray[np.float32]) -> None:
    """Rows of blocks (n, bytes of a row) into float32 (n, columns). Two threads: ctypes gives the interpreter up meanwhile.

    Both must be contiguous.

    Raises:
        ModelError: see `decoder`. ValueError: sizes do not fit.
    """
    block, size = GGML_QUANT_SIZES[kind]
    if rows.shape[1] * block != out.shape[1] * size or len(rows) != len(out):
        msg = f"{rows.shape} bytes of {kind.name} are not {out.shape} weights"
        raise ValueError(msg)
    if kind is Kind.F32:
        out[:] = rows.view(np.float32)
        return
    half = len(rows) // 2 if out.size >= ALONE_BELOW else 0
    waiting = [POOL.submit(decode_some, kind, rows[:half], out[:half])] if half else []
    decode_some(kind, rows[half:], out[half:])
    for future in waiting:
        future.result()


def decode_some(kind: GGMLQuantizationType, rows: npt.NDArray[np.uint8], out: npt.NDArray[np.float32]) -> None:
    """The same on this thread."""
    decoder(kind)(rows.ctypes.data, out.ctypes.data, out.size)
