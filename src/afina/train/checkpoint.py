"""Everything a run needs to go on as if nothing had happened, written so that a part is never taken for the whole."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from afina.errors import StoreError, TrainError, in_short
from afina.files import NOTICES
from afina.store.paths import MANIFEST, read_json, whole_folder

KEPT = 2
DAMAGED = (RuntimeError, KeyError, ValueError, TypeError, OSError, EOFError, UnpicklingError, SafetensorError)
"""What reading a cut or empty file raises: torch, zip and safetensors have errors of their own, an empty one ends in EOFError."""


@dataclass(slots=True)
class Position:
    """Where a run stands."""

    step: int = 0
    best_step: int = 0
    best_loss: float = float("inf")
    bad_evaluations: int = 0
    rate_factor: float = 1.0  # halved by every return after a divergence
    returns: int = 0
    spikes: int = 0  # steps in a row whose loss left its band
    recent: list[float] = field(default_factory=list)  # losses of the last ordinary steps


def checkpoint_folder(run: Path, step: int) -> Path:
    """Folder of one checkpoint; names sort by step."""
    return run / "checkpoints" / f"step_{step:08d}"


def save_adapter(model: Any, folder: Path, *, mark: str) -> None:
    """Write the adapter as plain PEFT does, with a manifest that knows its base by `mark`."""
    with whole_folder(folder) as partial:
        model.save_pretrained(partial, save_embedding_layers=False)
        files = sorted(p.name for p in partial.iterdir())
        (partial / MANIFEST).write_text(json.dumps({"files": files, "base_mark": mark}), "utf-8")


def save_checkpoint(
    run: Path, model: Any, optimizer: torch.optim.Optimizer, position: Position, *, stopped: bool = False
) -> None:
    """Weights, optimiser moments, random state and position.

    One written because the run was `stopped` is only for going on: a divergence does not return to it, or a run that was stopped
    would not end like an undisturbed one.
    """
    with whole_folder(checkpoint_folder(run, position.step)) as partial:
        save_file(
            {k: v.contiguous() for k, v in get_peft_model_state_dict(model, save_embedding_layers=False).items()},
            partial / "adapter.safetensors",
        )
        torch.save({"optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}, partial / "state.pt")
        (partial / MANIFEST).write_text(json.dumps({**asdict(position), "stopped": stopped}), "utf-8")
    if not stopped:
        planned = checkpoints(run, planned=True)[-KEPT:]
        for old in checkpoints(run):
            if old not in planned:
                remove(old)


def checkpoints(run: Path, *, planned: bool = False) -> list[Path]:
    """Whole checkpoints, oldest first, or only those that were not written for a stop.

    The manifest is written last, so its presence means whole.
    """
    found = [(f, manifest_of(f)) for f in sorted((run / "checkpoints").glob("step_*"))]
    return [f for f, manifest in found if manifest and not (planned and manifest.get("stopped"))]


def manifest_of(folder: Path) -> dict[str, Any]:
    """A checkpoint's position; {} where there is none, or it was cut by a crash of the machine or a full disk."""
    try:
        found = read_json(folder / MANIFEST)
    except StoreError:
        return {}
    return found if isinstance(found, dict) else {}


def drop_stopped(run: Path) -> None:
    """Remove what was only written for stops."""
    planned = checkpoints(run, planned=True)
    for folder in checkpoints(run):
        if folder not in planned:
            remove(folder)


def remove(folder: Path) -> None:
    """Delete a checkpoint, its manifest first: an interrupted deletion leaves nothing that looks whole."""
    (folder / MANIFEST).unlink()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def load_checkpoint(run: Path, model: Any, optimizer: torch.optim.Optimizer) -> Position:
    """Continue from the newest whole checkpoint; what is empty, cut or damaged is stepped over.

    Raises:
        TrainError: there are checkpoints, and none can be read.
    """
    found = checkpoints(run)
    problems: list[str] = []
    for folder in reversed(found):
        try:
            return restore(folder, model, optimizer)
        except DAMAGED as exc:
            problems.append(f"{folder.name}: {in_short(exc)}")
            NOTICES.warning("%s: cannot be read (%s); going on from the one before", folder, in_short(exc))
    if problems:
        raise TrainError(
            f"{run}: none of its checkpoints can be read ({'; '.join(problems)})",
            remedy="start again without --resume",
        )
    return Position()


def restore(folder: Path, model: Any, optimizer: torch.optim.Optimizer) -> Position:
    """Everything of one checkpoint. All files are read before anything is changed."""
    weights = load_file(folder / "adapter.safetensors")
    state = torch.load(folder / "state.pt", weights_only=True)
    position = {name: value for name, value in manifest_of(folder).items() if name != "stopped"}
    found = Position(**position)
    set_peft_model_state_dict(model, weights)
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return found
