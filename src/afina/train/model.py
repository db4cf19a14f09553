"""A base model with a LoRA adapter on it."""

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, get_peft_model, set_peft_model_state_dict
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file

from afina.bases.folder import require_same_base
from afina.errors import TrainError, in_short
from afina.settings import LoraSettings


def target_modules(model: Any, lora: LoraSettings) -> list[str]:
    """The modules that get an adapter.

    Untouched defaults mean every linear layer of the blocks, whatever this family calls them: Phi-3 joins `q_proj`,
    `k_proj` and `v_proj` into `qkv_proj`, and an adapter on half of a block would go unnoticed.

    Raises:
        TrainError: a module was named that this architecture does not have.
    """
    head = model.get_output_embeddings()
    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    present = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    missing = [name for name in lora.target_modules if name not in present]
    if not missing:
        return list(lora.target_modules)
    if lora.target_modules == LoraSettings().target_modules:
        return sorted(linear)
    raise TrainError(
        f"lora.target_modules: {', '.join(missing)} not in this architecture",
        remedy=f"it has {', '.join(sorted(linear))}",
    )


def add_adapter(model: Any, lora: LoraSettings, *, base: str) -> Any:
    """Freeze the base and add a LoRA adapter.

    Raises:
        TrainError: a named module does not exist in this architecture.
    """
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=target_modules(model, lora),
        bias=lora.bias,
        task_type=lora.task_type,
        base_model_name_or_path=base,
    )
    try:
        return get_peft_model(model, config)
    except ValueError as exc:
        raise TrainError(
            f"no adapter can be added: {in_short(exc)}",
            remedy="set lora.target_modules to names of linear layers of this architecture",
        ) from exc


def start_from(model: Any, adapter: Path, *, base: Path) -> None:
    """Put the weights of a trained adapter into the model's fresh one.

    Raises:
        TrainError: there is no adapter, it is damaged, or its rank and modules are others. ModelError: of another base.
    """
    if not (adapter / "adapter_config.json").is_file():
        raise TrainError(
            f"{adapter}: no adapter here (adapter_config.json)", remedy="name the folder that `afina train` wrote"
        )
    require_same_base(adapter, base)
    try:
        config: Any = PeftConfig.from_pretrained(str(adapter))
        weights = load_file(adapter / SAFETENSORS_WEIGHTS_NAME)
        require_like(adapter, config, model.peft_config["default"])
        found: Any = set_peft_model_state_dict(model, weights)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, json.JSONDecodeError, SafetensorError) as exc:
        raise TrainError(f"{adapter}: the adapter does not fit {base.name}: {in_short(exc)}") from exc
    if found.unexpected_keys:
        raise TrainError(f"{adapter}: the adapter does not fit {base.name}: it has {found.unexpected_keys[0]}")


def require_like(adapter: Path, theirs: Any, mine: Any) -> None:
    """Refuse an adapter whose weights would mean something else under these settings.

    Raises:
        TrainError: another rank, scale or set of modules, or a form that is not trained here.
    """
    if isinstance(theirs.target_modules, str) or theirs.use_rslora or theirs.rank_pattern or theirs.alpha_pattern:
        raise TrainError(
            f"{adapter}: module patterns, rsLoRA and ranks by layer are not trained here",
            remedy="merge it into its base (`afina export`) and train a fresh adapter on that",
        )
    for name, key in (("r", "lora.r"), ("lora_alpha", "lora.lora_alpha"), ("target_modules", "lora.target_modules")):
        one, other = getattr(theirs, name), getattr(mine, name)
        if name == "target_modules":
            one, other = ", ".join(sorted(one)), ", ".join(sorted(other))
        if one != other:
            raise TrainError(
                f"{adapter}: its {name} is {one}, the settings ask for {other}",
                remedy=f"give {key} the adapter's value",
            )
