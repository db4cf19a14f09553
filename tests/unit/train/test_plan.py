"""What a training takes, counted from a configuration."""

from typing import Any

import pytest
import torch
from transformers import AutoConfig

from afina.chat.render import Rendered
from afina.errors import TrainError
from afina.settings import TrainSettings
from afina.train.packing import Packed, Segment
from afina.train.plan import Variant, Way, pack_limit, ram_bytes, remedies, require_memory
from afina.train.shape import shape_of

SHAPES: dict[str, tuple[dict[str, Any], float]] = {
    "Qwen2.5-0.5B": (
        {"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
         "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True},
        0.494e9,
    ),
    "Qwen2.5-3B": (
        {"model_type": "qwen2", "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
         "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True},
        3.086e9,
    ),
    "Phi-3-mini": (
        {"model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32,
         "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32064, "tie_word_embeddings": False},
        3.821e9,
    ),
    "Gemma-2-2B": (
        {"model_type": "gemma2", "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
         "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000},
        2.614e9,
    ),
    "Llama-3.2-3B": (
        {"model_type": "llama", "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28,
         "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 128256,
         "tie_word_embeddings": True},
        3.213e9,
    ),
    "Mistral-7B": (
        {"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
         "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32768},
        7.248e9,
    ),
    "Ministral-8B": (
        {"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36,
         "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 131072},
        8.020e9,
    ),
    "DeepSeek-R1-Distill-Qwen-14B": (
        {"model_type": "qwen2", "hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 48,
         "num_attention_heads": 40, "num_key_value_heads": 8, "vocab_size": 152064, "tie_word_embeddings": False},
        14.770e9,
    ),
}  # fmt: skip


def packed(tokens: int, rows: int) -> Packed:
    """A pack of some size."""
    return Packed(
        torch.zeros(tokens, dtype=torch.int64),
        torch.arange(tokens),
        (Segment(0, tokens, -1, 0),),
        torch.arange(rows),
        torch.zeros(rows, dtype=torch.int64),
        torch.ones(rows),
        tokens,
        rows,
    )


@pytest.mark.parametrize("name", SHAPES)
def test_weights_are_counted_as_published(name: str) -> None:
    """Within half a per cent of the numbers on the models' cards."""
    values, weights = SHAPES[name]

    assert shape_of(AutoConfig.for_model(**values)).weights == pytest.approx(weights, rel=0.005)


def test_fewer_bits_and_recomputing_need_less() -> None:
    """Each on its own, for a real shape; together they let a 3B train in 4 GB."""
    shape = shape_of(AutoConfig.for_model(**SHAPES["Qwen2.5-3B"][0]))
    needs = {
        (storage, again): ram_bytes(shape, TrainSettings(), (1024, 512), Variant(storage, again))
        for storage in ("float32", "bfloat16", "nf4")
        for again in (False, True)
    }

    for again in (False, True):
        assert needs["float32", again] > needs["bfloat16", again] > needs["nf4", again]
    assert all(needs[storage, False] > needs[storage, True] for storage in ("float32", "bfloat16", "nf4"))
    assert needs["nf4", True] < 4e9


def test_a_pass_keeps_no_more_than_memory_allows() -> None:
    """Half of what the weights leave; recomputing keeps far less, so more tokens fit; a set number wins."""
    config = AutoConfig.for_model(**SHAPES["Qwen2.5-3B"][0])
    again = TrainSettings.model_validate({"training": {"gradient_checkpointing": True}})
    fixed = TrainSettings.model_validate({"training": {"pack_tokens": 77}})

    assert 256 < pack_limit(config, TrainSettings(), memory=20e9) < 800
    assert pack_limit(config, again, memory=20e9) == 4096
    assert pack_limit(config, TrainSettings(), memory=8e9, storage="nf4") > pack_limit(
        config, TrainSettings(), memory=8e9
    )
    assert pack_limit(config, TrainSettings(), memory=1e9) == 256
    assert pack_limit(config, fixed, memory=1e9) == 77


def test_remedies_name_settings_and_shares() -> None:
    """The document's: fewer examples, two epochs, r 8; before them what costs nothing."""
    own = Way(storage="float32", checkpointing=False, step_s=1, ram_bytes=9e9)
    lean = Way(storage="nf4", checkpointing=True, step_s=2, ram_bytes=3e9)
    said = remedies(own, lean, TrainSettings(), seconds=20 * 3600, max_hours=10)

    assert said[:2] == ['training.base_storage = "nf4"', "training.gradient_checkpointing = true"]
    assert "50% of the examples" in said[2]
    assert any("num_epochs = 2" in one for one in said)
    assert any("lora.r = 8" in one for one in said)
    assert remedies(own, own, TrainSettings(), seconds=3600, max_hours=10) == []
    assert "no way fits" in remedies(own, None, TrainSettings(), seconds=1, max_hours=0)[0]


@pytest.mark.parametrize(("gigabytes", "checkpointing"), [(40, False), (18, True), (12, None)])
def test_what_fits_only_with_recomputed_activations_is_trained_so(
    gigabytes: float, checkpointing: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    """And that is said; what fits in no way of this storage is refused with those that do. None: refused."""
    config = AutoConfig.for_model(**SHAPES["Qwen2.5-3B"][0])
    asked = TrainSettings.model_validate({"training": {"max_memory_gb": gigabytes}})
    row = Rendered(tuple(range(1000)), (False,) * 500 + (True,) * 500)
    if checkpointing is None:
        with pytest.raises(TrainError, match=r"12\.0 GB may be taken") as error:
            require_memory([row], config, asked)
        assert 'base_storage = "nf4"' in error.value.remedy
        return
    room = require_memory([row], config, asked)
    assert room.checkpointing is checkpointing
    assert room.settings(asked).training.gradient_checkpointing is checkpointing
    assert ("activations are made again" in caplog.text) is checkpointing
