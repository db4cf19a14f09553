"""Stored matrices decode to what they should."""

import pytest
import torch

from afina.train import storage
from afina.train.storage import NF4, Dense, Half, as_nf4, store


def matrix(rows: int, columns: int, *, seed: int = 0) -> torch.Tensor:
    """Normal weights whose scale differs from row to row."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator) * torch.linspace(0.01, 0.1, rows)[:, None]


def test_nf4_is_the_nearest_code_of_every_block() -> None:
    """Against a plain reading of the definition; the doubly quantised scales cost little."""
    weight = matrix(70, 128)
    decoded = as_nf4(weight).dense().clone()
    blocks = weight.view(-1, 64)
    peaks = blocks.abs().amax(1, keepdim=True)
    codes = torch.tensor(NF4)
    plain = codes[(blocks / peaks).unsqueeze(-1).sub(codes).abs().argmin(-1)] * peaks
    lost, least = ((x.view(70, 128) - weight).norm() / weight.norm() for x in (decoded, plain))

    assert float(lost) < 1.02 * float(least) < 0.1


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "nf4"])
def test_every_form_reads_the_same_whole_in_parts_and_by_row(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are views into one buffer, so each is used before the next."""
    monkeypatch.setattr(storage, "PART_BYTES", 7 * 4 * 192)
    weight = store(matrix(100, 192), kind)
    whole = weight.dense().clone()
    parts = torch.empty(100, 192)
    for first, end, part in weight.parts():
        parts[first:end] = part
    rows = torch.tensor([[3, 99], [3, 0]])

    assert weight.shape == (100, 192)
    assert torch.equal(parts, whole)
    assert torch.equal(weight.lookup(rows), whole[rows])


def test_bfloat16_checkpoints_are_kept_without_loss() -> None:
    """Bit for bit."""
    weight = matrix(8, 64).bfloat16()

    assert torch.equal(store(weight, "bfloat16").dense(), weight.float())
    assert isinstance(store(matrix(4, 4), "float32"), Dense)


def test_rows_that_do_not_divide_stay_in_bfloat16() -> None:
    """NF4 blocks are 64 wide."""
    assert isinstance(store(matrix(4, 96), "nf4"), Half)


def test_constant_and_zero_blocks() -> None:
    """No division by nothing."""
    weight = torch.zeros(4, 64)
    weight[1] = 0.5

    assert torch.allclose(as_nf4(weight).dense(), weight, atol=1e-6)
