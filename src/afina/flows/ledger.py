"""What a flow writes down and reads again. Two forms: PostgreSQL (a project) and a folder (`afina learn`)."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from afina.freeze import Earlier
from afina.ids import DatasetId, ModelVersionId, RunId
from afina.records import (
    Curated,
    Dataset,
    Entry,
    Example,
    Exchange,
    ModelVersion,
    Rollout,
    Run,
    RunState,
    Verdict,
)
from afina.settings import CurateSettings


class Ledger(Protocol):
    """The record of one task of one client. Every verb is whole when it returns, or nothing of it is there."""

    def add(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """Take rows of a file in. Returns how many are new, and of how many known ones the decision is."""
        ...

    def exchanges(self, *, needs_feedback: bool) -> Iterable[Exchange]:
        """What was said and decided, the oldest decision first, each with what the last curation made of it."""
        ...

    def save_curated(self, curated: Curated, settings: CurateSettings) -> str:
        """What was kept and what was rejected. Earlier judgements stay. Returns the id of the run."""
        ...

    def kept(self) -> list[Example]:
        """What the last curation kept, in its order."""
        ...

    def earlier(self) -> Earlier:
        """Where users and conversations were when they were frozen last, and what was ever held out."""
        ...

    def once_trained(self) -> Sequence[Example]:
        """Every row that was ever trained on, as it was last."""
        ...

    def save_dataset(self, dataset: Dataset) -> None:
        """A frozen dataset; equal content is the same one."""
        ...

    def dataset(self, identity: DatasetId | None = None) -> Dataset:
        """A dataset, without an id the one that was frozen last.

        Raises:
            StoreError: there is none.
        """
        ...

    def plan_run(self, *, dataset: DatasetId, base: str, config: dict[str, Any]) -> RunId:
        """A training that is about to start."""
        ...

    def move_run(self, run: RunId, to: RunState, *, result: dict[str, Any] | None = None, error: str = "") -> None:
        """A run enters a state.

        Raises:
            StoreError: it is unknown, or may not enter it from where it stands.
        """
        ...

    def run(self, identity: RunId) -> Run:
        """One run.

        Raises:
            StoreError: there is none.
        """
        ...

    def newest_run(self, *states: RunState) -> Run:
        """The last run in one of these states.

        Raises:
            StoreError: there is none.
        """
        ...

    def next_name(self, base: str) -> str:
        """`BASE-TASK:vN`, the form of names that Ollama uses."""
        ...

    def add_version(self, version: ModelVersion) -> None:
        """A model whose files are in place."""
        ...

    def change_card(self, version: ModelVersionId, card: dict[str, Any]) -> None:
        """What is known of a version, anew."""
        ...

    def version(self, name: str | None = None) -> ModelVersion:
        """A version by id or name; without one the newest tuned one.

        Raises:
            StoreError: there is none.
        """
        ...

    def base_version(self, *, base: str, quantisation: str, prompt: str) -> ModelVersion | None:
        """The untuned base as it was registered with this prompt, if it was."""
        ...

    def in_production(self) -> Rollout | None:
        """The rollout that serves the task, if there is one."""
        ...

    def save_verdict(self, verdict: Verdict, version: ModelVersionId, dataset: DatasetId) -> None:
        """What was judged about a version."""
        ...

    def verdict(self, version: ModelVersionId) -> Verdict | None:
        """The last verdict about a version."""
        ...
