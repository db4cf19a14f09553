"""The built-in base model: a tiny bilingual Qwen2 for demo, tests and offline first steps. Not for production."""

from pathlib import Path

FOLDER = Path(__file__).parent / "model"
"""The committed HF folder (float16 weights, tokenizer, chat template, card)."""

TRAINING = Path(__file__).parent / "train.toml"
"""Recommended training settings."""

NAME = "semilla"

__all__ = ["FOLDER", "NAME", "TRAINING"]
