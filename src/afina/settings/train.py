"""Training settings: document 001's `lora_config.yaml` loads unchanged, in YAML or TOML."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from afina.errors import SettingsError, first_problem
from afina.settings.sections import Section

TooLong = Literal["refuse", "drop", "truncate", "split"]
ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class LoraSettings(Section):
    """The adapter (Hu et al. 2021, LoRA)."""

    r: int = Field(16, ge=1, description="rank")
    lora_alpha: int = Field(32, ge=1, description="scale numerator: updates are scaled by alpha / r")
    lora_dropout: float = Field(0.05, ge=0, lt=1, description="share of the adapter's inputs that a step leaves out")
    target_modules: tuple[str, ...] = Field(ALL_LINEAR, min_length=1, description="matrices that get an adapter")
    bias: Literal["none"] = Field("none", description="biases are not trained")
    task_type: Literal["CAUSAL_LM"] = Field("CAUSAL_LM", description="the only kind of model")


class TrainingSettings(Section):
    """The loop."""

    num_epochs: int = Field(3, ge=1, description="passes over the training part")
    batch_size: int = Field(1, ge=1, description="examples per optimiser step, times gradient_accumulation_steps")
    gradient_accumulation_steps: int = Field(
        8, ge=1, description="factor to batch_size; the examples of a step share prefixes"
    )
    pack_tokens: int = Field(
        0, ge=0, description="tokens of one forward pass, no more than memory allows; changes no result; 0 = up to 4096"
    )
    learning_rate: float = Field(2e-4, gt=0, description="largest step size of AdamW, reached after the warm-up")
    weight_decay: float = Field(0.0, ge=0, description="decoupled decay of the adapter, AdamW's")
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are scaled down to this norm")
    warmup_steps: int = Field(10, ge=0, description="optimiser steps of rising rate")
    save_steps: int = Field(50, ge=1, description="optimiser steps between checkpoints")
    eval_steps: int = Field(25, ge=1, description="optimiser steps between validation losses")
    logging_steps: int = Field(10, ge=1, description="optimiser steps between two points of the curve")
    max_seq_length: int = Field(2048, ge=16, description="tokens of an example")
    too_long: TooLong = Field(
        "refuse", description="longer examples: an error, left out, cut at the end, or in windows; counts are said"
    )
    document_epochs: int = Field(1, ge=1, description="passes over plain documents (`afina train --documents`)")
    max_memory_gb: float = Field(
        0.0, ge=0, description="what training may take (10⁹ bytes); 0 = what is available now; refused if it needs more"
    )
    base_storage: Literal["float32", "bfloat16", "nf4"] = Field(
        "float32", description="how the frozen base is kept; bfloat16 loses nothing of a bfloat16 checkpoint"
    )
    compute: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="type of the frozen products; auto: bfloat16 where a short measurement finds the processor faster in it",
    )
    gradient_checkpointing: bool = Field(
        False,
        description="make activations again in the backward pass: slower, with far less memory; false = only where a run would not fit otherwise",
    )
    optim: Literal["adamw", "adamw_torch", "adamw_8bit"] = Field(
        "adamw", description="all are float32 AdamW here: the adapter's moments are small"
    )
    early_stopping_patience: int = Field(
        4, ge=0, description="validations without a better loss before stopping; 0 = off"
    )
    seed: int = Field(0, ge=0, description="seed of order and dropout")
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")
    minutes: Annotated[float, Field(ge=0)] = Field(
        0.0, description="stop-by budget that shortens the schedule; 0 = none"
    )


class QuantizationSettings(Section):
    """Storage of the frozen base weights."""

    load_in_4bit: bool = Field(False, description="keep the frozen base in NF4: 4.13 bits a weight instead of 32")
    bnb_4bit_compute_dtype: Literal["float16", "bfloat16", "float32"] = Field(
        "float32", description="read and not used: training.compute says it"
    )
    bnb_4bit_quant_type: Literal["nf4", "fp4"] = Field("nf4", description="always nf4, which loses less")
    bnb_4bit_use_double_quant: bool = Field(False, description="the scales are quantised in any case")


class TrainSettings(Section):
    """Everything that decides a run, with the dataset and the base."""

    lora: LoraSettings = LoraSettings()
    training: TrainingSettings = TrainingSettings()
    quantization: QuantizationSettings = QuantizationSettings()

    @property
    def storage(self) -> Literal["float32", "bfloat16", "nf4"]:
        """How the frozen base is kept."""
        return "nf4" if self.quantization.load_in_4bit else self.training.base_storage

    def notices(self) -> list[str]:
        """What of this file is honoured differently on this machine, in plain words."""
        said = []
        if self.training.optim == "adamw_8bit":
            said.append("optim adamw_8bit: run as float32 AdamW (the adapter's moments are small, the result is exact)")
        if self.quantization.load_in_4bit:
            if self.quantization.bnb_4bit_quant_type != "nf4":
                said.append("bnb_4bit_quant_type fp4: kept as nf4, which loses less")
            if not self.quantization.bnb_4bit_use_double_quant:
                said.append(
                    "bnb_4bit_use_double_quant false: the scales are quantised all the same (0.4 bits a weight less)"
                )
        return said


class NumberLoader(yaml.SafeLoader):
    """SafeLoader that reads `2e-4` as a number: YAML 1.1 asks for `2.0e-4`, and people write the former."""


NumberLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def explain(error: ValidationError, *, source: str) -> str:
    """The first problem of a validation error in one line: file, key, reason."""
    key, reason = first_problem(error.errors())
    return f"{source}: {key}: {reason}"


def read_train_settings(path: Path) -> TrainSettings:
    """Read a training file.

    Raises:
        SettingsError: the file is missing, malformed, or has an unknown or invalid key.
    """
    try:
        text = path.read_text("utf-8")
        raw: Any = tomllib.loads(text) if path.suffix == ".toml" else yaml.load(text, Loader=NumberLoader)  # noqa: S506
    except FileNotFoundError as exc:
        raise SettingsError(f"{path}: no such file") from exc
    except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {' '.join(str(exc).split())}") from exc
    if not isinstance(raw, dict):
        raise SettingsError(f"{path}: expected sections lora, training, quantization")
    try:
        return TrainSettings.model_validate(raw)
    except ValidationError as exc:
        raise SettingsError(explain(exc, source=str(path))) from exc
