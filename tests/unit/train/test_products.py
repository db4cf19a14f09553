"""The type of frozen products: what bfloat16 gives, and who chooses it."""

from typing import Literal

import pytest
import torch

from afina.settings import TrainSettings
from afina.train import products
from afina.train.products import Rounded, add_linear_back, decided, linear, linear_back
from afina.train.shape import Shape
from afina.train.storage import store

SHAPE = Shape(layers=2, hidden=64, inner=128, heads=4, kv_heads=2, head_size=16, vocabulary=100, tied=True)


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "nf4"])
def test_rounded_products_are_near_those_of_the_kept_matrix(kind: str) -> None:
    """Forward, backward, into a given place and added to one; the result is float32."""
    torch.manual_seed(0)
    weight = store(torch.randn(96, 64), kind)
    dense, x, dy, bias = weight.dense().clone(), torch.randn(7, 64), torch.randn(7, 96), torch.randn(96)
    out, total = torch.empty(7, 64), torch.ones(7, 64)

    y = linear(x, Rounded(weight), bias)
    back = linear_back(dy, Rounded(weight), out=out)
    add_linear_back(total, dy, Rounded(weight))

    assert y.dtype == back.dtype == torch.float32
    assert back.data_ptr() == out.data_ptr()
    for found, wanted in ((y, x @ dense.t() + bias), (back, dy @ dense), (total - 1, dy @ dense)):
        assert 0 < float((found - wanted).norm() / wanted.norm()) < 0.01


@pytest.mark.parametrize(
    ("asked", "speed", "kept", "wanted"),
    [
        ("auto", 4.0, None, "bfloat16"),
        ("auto", 0.6, None, "float32"),
        ("auto", 1.1, None, "float32"),
        ("auto", 4.0, "float32", "float32"),
        ("auto", 0.6, "bfloat16", "bfloat16"),
        ("float32", 4.0, None, "float32"),
        ("bfloat16", 0.6, None, "bfloat16"),
    ],
)
def test_who_chooses(
    asked: Literal["auto", "float32", "bfloat16"],
    speed: float,
    kept: str | None,
    wanted: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was asked for; else what the interrupted run had; else what is clearly faster."""
    monkeypatch.setattr(products, "bfloat16_speed", lambda _: speed)
    settings = TrainSettings.model_validate({"training": {"compute": asked}})

    assert decided(settings, SHAPE, kept=kept).training.compute == wanted
