"""Which type a tensor gets, and its bytes."""

import hashlib

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from afina.export import ggml
from afina.export.kinds import more_bits, tensor_kinds

Kind = GGMLQuantizationType


def model(layers: int, *, columns: int = 256, tied: bool = True) -> dict[str, tuple[int, ...]]:
    """Tensor shapes of a small model, in the order of its layers."""
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (512, columns), "output_norm.weight": (columns,)}
    if not tied:
        shapes["output.weight"] = (512, columns)
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (columns,),
            f"blk.{layer}.attn_q.weight": (columns, columns),
            f"blk.{layer}.attn_q.bias": (columns,),
            f"blk.{layer}.attn_v.weight": (columns, columns),
            f"blk.{layer}.ffn_down.weight": (columns, columns),
        }
    return shapes


@pytest.mark.parametrize(
    ("quantisation", "plain", "head"),
    [("q8_0", "Q8_0", "Q8_0"), ("q4_0", "Q4_0", "Q6_K"), ("q4_k_m", "Q4_K", "Q6_K"), ("q5_k_m", "Q5_K", "Q6_K")],
)
def test_the_head_gets_more_bits_and_vectors_stay_whole(quantisation: str, plain: str, head: str) -> None:
    """Of a tied model the embedding is the head."""
    tied = tensor_kinds(model(4), quantisation=quantisation)
    untied = tensor_kinds(model(4, tied=False), quantisation=quantisation)

    assert tied["token_embd.weight"].name == head
    assert untied["output.weight"].name == head
    assert untied["token_embd.weight"].name == plain
    assert tied["blk.0.attn_q.weight"].name == plain
    assert {tied["blk.0.attn_norm.weight"], tied["blk.0.attn_q.bias"]} == {Kind.F32}


def test_a_mix_gives_six_bits_to_the_first_and_last_eighth_and_every_third_layer() -> None:
    """llama.cpp's `use_more_bits`."""
    assert [layer for layer in range(16) if more_bits(layer, 16)] == [0, 1, 4, 7, 10, 13, 14, 15]
    kinds = tensor_kinds(model(16), quantisation="q4_k_m")
    for name in ("attn_v", "ffn_down"):
        assert [n for n in range(16) if kinds[f"blk.{n}.{name}.weight"] is Kind.Q6_K] == [0, 1, 4, 7, 10, 13, 14, 15]


def test_layers_count_by_number_whatever_their_order_in_the_file() -> None:
    """The converter writes layer 10 before layer 2; llama-quantize visits 2 before 10."""
    shapes = model(28)
    shuffled = dict(sorted(shapes.items()))

    assert tensor_kinds(shuffled, quantisation="q4_k_m") == tensor_kinds(shapes, quantisation="q4_k_m")


@pytest.mark.parametrize(
    ("columns", "quantisation", "plain", "head"),
    [
        (96, "q4_k_m", "Q5_0", "Q8_0"),
        (96, "q5_k_m", "Q5_1", "Q8_0"),
        (96, "q4_0", "Q4_0", "Q8_0"),
        (50, "q4_k_m", "F16", "F16"),
        (50, "q8_0", "F16", "F16"),
    ],
)
def test_rows_that_are_no_whole_blocks_fall_back(columns: int, quantisation: str, plain: str, head: str) -> None:
    """To the type llama.cpp falls back to; float16 where not even 32 divides."""
    kinds = tensor_kinds(model(9, columns=columns), quantisation=quantisation)

    assert kinds["blk.1.attn_q.weight"].name == plain
    assert kinds["token_embd.weight"].name == head


def test_the_runtime_exports_the_quantiser() -> None:
    """Without this symbol of the shared library there are no K-quants."""
    assert ggml.available()


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("Q8_0", "d8b3256c9fd9ae4c"),
        ("Q4_0", "d153bbca62836335"),
        ("Q5_0", "c9154c30f4008bbe"),
        ("Q5_1", "2cce57372f71162a"),
        ("Q4_K", "0fdd8f352253492b"),
        ("Q5_K", "17efcacc99ec627a"),
        ("Q6_K", "dd0e9b128dd903d8"),
    ],
)
def test_golden_bytes(name: str, digest: str) -> None:
    """Taken when `python -m bench.quantise` found every tensor equal to llama-quantize's."""
    data = np.random.default_rng(0).standard_normal((8, 512)).astype(np.float32)

    assert hashlib.sha256(ggml.encode(data, GGMLQuantizationType[name]).tobytes()).hexdigest()[:16] == digest


def test_threads_do_not_change_the_bytes() -> None:
    """Rows are quantised in blocks that run beside one another."""
    data = np.random.default_rng(1).standard_normal((3000, 256)).astype(np.float32)

    one, four = (ggml.encode(data, Kind.Q4_K, threads=threads) for threads in (1, 4))
    assert one.tobytes() == four.tobytes()


def test_without_the_symbol_only_the_simple_types_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The `gguf` package's own quantiser takes over, six bits become eight."""
    monkeypatch.setattr(ggml, "library", lambda: None)
    data = np.random.default_rng(2).standard_normal((4, 256)).astype(np.float32)

    assert not ggml.available()
    assert ggml.encode(data, Kind.Q6_K).shape == (4, 256 // 32 * 34)
