"""A base model with a LoRA adapter on it."""

from typing import Any

from peft import LoraConfig, get_peft_model

from afina.errors import TrainError
from afina.settings import LoraSettings


def add_adapter(model: Any, lora: LoraSettings, *, base: str) -> Any:
    """Freeze the base and add a LoRA adapter.

    Raises:
        TrainError: none of the named modules exists in this architecture.
    """
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=list(lora.target_modules),
        bias=lora.bias,
        task_type=lora.task_type,
        base_model_name_or_path=base,
    )
    try:
        return get_peft_model(model, config)
    except ValueError as exc:
        raise TrainError(
            f"no adapter can be added: {str(exc).splitlines()[0]}",
            remedy="set lora.target_modules to names of linear layers of this architecture",
        ) from exc
