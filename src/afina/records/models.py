"""Runs and the models that come of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from afina.ids import ClientId, DatasetId, ModelVersionId, RunId


class RunState(StrEnum):
    """Where a training run stands."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training."""

    id: RunId
    client: ClientId
    dataset: DatasetId
    base: str
    state: RunState
    config: dict[str, Any]
    """The settings that decide the run, resolved."""
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A model that can be served: its GGUF, and a card with what its answers are bound by."""

    id: ModelVersionId
    name: str
    task: str
    base: str
    gguf: str
    """Path below the data folder: a project may be moved."""
    quantisation: str
    run: RunId | None = None
    card: dict[str, Any] = field(default_factory=dict)
