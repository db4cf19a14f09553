"""ggml's decoders against the `gguf` package's."""

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf import quants

from afina.export.ggml import encode
from afina.runtime.ggml import decode

K_QUANTS = (Kind.Q4_K, Kind.Q5_K, Kind.Q6_K)


@pytest.mark.parametrize(
    "kind", [Kind.F32, Kind.F16, Kind.BF16, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1, Kind.Q8_0, *K_QUANTS]
)
@pytest.mark.parametrize("rows", [1, 7, 600])
def test_blocks_are_decoded_to_the_bit(kind: Kind, rows: int) -> None:
    """Few rows on this thread, many on two."""
    weights = np.random.default_rng(0).standard_normal((rows, 512)).astype(np.float32)
    blocks = encode(weights, kind) if kind in K_QUANTS else quants.quantize(weights, kind)
    out = np.empty_like(weights)

    decode(kind, blocks.view(np.uint8).reshape(rows, -1), out)

    assert np.array_equal(out, quants.dequantize(blocks, kind).reshape(rows, -1))


def test_sizes_that_do_not_fit_are_refused() -> None:
    """Instead of memory that is not there."""
    blocks = quants.quantize(np.zeros((2, 64), np.float32), Kind.Q8_0)
    with pytest.raises(ValueError, match="are not"):
        decode(Kind.Q8_0, blocks, np.empty((2, 32), np.float32))
