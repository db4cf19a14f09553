"""Training settings."""

from pathlib import Path

import pytest

from afina.bases import semilla
from afina.errors import SettingsError
from afina.settings import TrainSettings, read_train_settings

# The file of document 001, section 3.3, as written.
DOCUMENT = """
lora:
  r: 16                    # LoRA rank (higher = more capacity, slower)
  lora_alpha: 32           # Scaling factor
  lora_dropout: 0.05       # Regularization
  target_modules:          # Qué capas fine-tunear
    - q_proj
    - k_proj
    - v_proj
    - o_proj
    - gate_proj
    - up_proj
    - down_proj
  bias: "none"
  task_type: "CAUSAL_LM"

training:
  num_epochs: 3
  batch_size: 1            # CPU constraint
  gradient_accumulation_steps: 8  # Simular batch_size=8
  learning_rate: 2e-4
  warmup_steps: 10
  save_steps: 50
  eval_steps: 25
  logging_steps: 10
  max_seq_length: 2048
  optim: "adamw_8bit"      # Optimizador eficiente en memoria

quantization:
  load_in_4bit: true
  bnb_4bit_compute_dtype: "float16"
  bnb_4bit_quant_type: "nf4"
  bnb_4bit_use_double_quant: true
"""


def written(folder: Path, text: str, name: str = "lora.yaml") -> Path:
    """A settings file."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_the_documents_file_loads_unchanged(tmp_path: Path) -> None:
    """`2e-4` is a number although YAML 1.1 reads it as text."""
    settings = read_train_settings(written(tmp_path, DOCUMENT))

    assert settings.training.learning_rate == pytest.approx(2e-4)
    assert settings.lora.r == 16
    assert len(settings.lora.target_modules) == 7
    assert settings.training.gradient_accumulation_steps == 8
    assert settings.quantization.load_in_4bit


def test_what_is_honoured_differently_is_said(tmp_path: Path) -> None:
    """Nothing of the file is ignored silently; what is honoured as written needs no word."""
    other = DOCUMENT.replace('"nf4"', '"fp4"').replace("use_double_quant: true", "use_double_quant: false")
    plain, changed = (" ".join(read_train_settings(written(tmp_path, text)).notices()) for text in (DOCUMENT, other))

    assert "adamw_8bit" in plain
    assert "nf4" not in plain
    assert "fp4" in changed
    assert "double_quant" in changed
    assert TrainSettings().notices() == []


def test_four_bits_mean_nf4(tmp_path: Path) -> None:
    """The document's switch and our own setting choose the same storage."""
    assert read_train_settings(written(tmp_path, DOCUMENT)).storage == "nf4"
    assert TrainSettings().storage == "float32"
    assert TrainSettings.model_validate({"training": {"base_storage": "bfloat16"}}).storage == "bfloat16"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lora:\n  rank: 3\n", "lora.rank: unknown key"),
        ("training:\n  learning_rate: -1\n", "training.learning_rate"),
        ("lora: [", "lora.yaml"),
        ("- 1\n", "expected sections"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    """File, key and reason in one line."""
    with pytest.raises(SettingsError) as caught:
        read_train_settings(written(tmp_path, text))

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_shipped_files_load() -> None:
    """The built-in base's recommendation is valid TOML of this form."""
    assert read_train_settings(semilla.TRAINING).training.max_seq_length > 0
