"""How frozen matrices are kept: float32, bfloat16 (lossless for bfloat16 checkpoints) or NF4; computing is always float32."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Dense:
    """float32 as it is."""

    weight: torch.Tensor

    def dense(self) -> torch.Tensor:
        """The matrix itself."""
        return self.weight
