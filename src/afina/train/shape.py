"""A decoder's sizes, read from its configuration alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from afina.errors import TrainError
from afina.runtime.gguf_config import gguf_config
from afina.runtime.gguf_model import transformers_config

NEEDED = ("num_attention_heads", "num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A decoder's sizes, from its configuration."""

    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    stored_bits: float = 0.0
    """Bits a weight in the GGUF that the base stays in; 0: a folder's, stored as the settings say."""

    @property
    def layer_weights(self) -> int:
        """Weights of one layer's linear layers."""
        attention = self.hidden * self.head_size * 2 * (self.heads + self.kv_heads)
        return attention + 3 * self.hidden * self.inner

    @property
    def word_weights(self) -> int:
        """Weights of the word vectors and the head."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def weights(self) -> int:
        """All of them, norms aside."""
        return self.layers * self.layer_weights + self.word_weights

    def adapter_weights(self, r: int) -> int:
        """Trained weights of an adapter of rank r on every linear layer."""
        q, kv = self.heads * self.head_size, self.kv_heads * self.head_size
        attention = 2 * (self.hidden + q) + 2 * (self.hidden + kv)
        return self.layers * r * (attention + 3 * (self.hidden + self.inner))

    def kept_per_token(self, *, dropout: bool) -> int:
        """float32 numbers that one layer keeps of a token for its backward pass."""
        q, kv = self.heads * self.head_size, self.kv_heads * self.head_size
        kept = 4 * self.hidden + 3 * (q + 2 * kv) + q + 2 * self.inner
        return kept + (5 * self.hidden + q + self.inner if dropout else 0)


def shape_of(config: Any) -> Shape:
    """Read a transformers configuration; of one for text and images, the text's.

    Raises:
        TrainError: it is no decoder's.
    """
    config = config.get_text_config()
    if missing := [name for name in NEEDED if not isinstance(getattr(config, name, None), int)]:
        raise TrainError(
            f"{config.model_type}: the configuration has no {missing[0]}", remedy="take a decoder-only language model"
        )
    heads = config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=config.intermediate_size,
        heads=heads,
        kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_size=getattr(config, "head_dim", None) or config.hidden_size // heads,
        vocabulary=config.vocab_size,
        tied=bool(config.tie_word_embeddings),
        stored_bits=getattr(config, "stored_bits", 0.0),
    )


def read_model_config(folder: Path) -> Any:
    """The configuration of a model folder, whose weights need not be there, or of a GGUF."""
    if folder.is_file():
        return transformers_config(folder, gguf_config(folder))
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
