"""Start a fine-tuning and ask how it stands: on this machine, or, where a project allows it, at a hosted service. One form for both."""

from dataclasses import dataclass
from typing import Any, Protocol

from afina.export import name_of_run
from afina.flows.project import Project
from afina.ids import RunId
from afina.records import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be tuned. `dataset`: id of a frozen dataset, or path of a file that `/dataset/export` wrote; empty = the newest dataset."""

    base: str = ""
    dataset: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a fine-tuning stands, in the words of the API that everybody knows: queued, running, succeeded, failed, cancelled."""

    id: str
    status: str
    base: str
    dataset: str
    model: str = ""
    """The version that came of it."""
    error: str = ""
    notes: str = ""


class Provider(Protocol):
    """Who tunes."""

    def start(self, wish: Wish) -> Standing:
        """Begin.

        Raises:
            AfinaError: it cannot begin; says why.
        """
        ...

    def standing(self, identity: str) -> Standing:
        """How it stands.

        Raises:
            StoreError: there is no such one.
        """
        ...


STATUS = {
    RunState.PLANNED: "queued", RunState.RUNNING: "running", RunState.DONE: "succeeded", RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
}  # fmt: skip
"""State of a run → the status that is told."""


def local_standing(project: Project, identity: str) -> Standing:
    """How a run of this machine stands.

    Raises:
        StoreError: there is no such run.
    """
    run = project.ledger.run(RunId(identity))
    with project.session() as session:
        name = name_of_run(session, run.id)
    status = STATUS[run.state]
    return Standing(
        id=run.id,
        # trained, and still on its way to a served file
        status="running" if status == "succeeded" and not name else status,
        base=run.base,
        dataset=run.dataset,
        model=name,
        error=run.error,
        notes=str(run.config.get("notes", "")),
    )


def told(found: Standing) -> dict[str, Any]:
    """In the trainer API's words."""
    return {
        "id": found.id,
        "status": found.status,
        "base_model": found.base,
        "dataset_uri": found.dataset,
        "model_version": found.model or None,
        "error": found.error or None,
        "notes": found.notes,
    }
