"""A model version with everything that is known of it: what it was made of, how it was judged, where it was put."""

from dataclasses import asdict
from typing import Any

from afina.errors import StoreError
from afina.flows.project import Project
from afina.flows.rollouts import history
from afina.records import ModelVersion, Verdict
from afina.release.job import must_rebuild


def version_sheet(project: Project, version: ModelVersion) -> dict[str, Any]:
    """One page of the registry, as plain data."""
    file = project.paths.data / version.gguf
    with project.session() as session:
        rebuild = must_rebuild(session, version.id)
    return {
        "id": version.id,
        "name": version.name,
        "task": version.task,
        "base": version.base,
        "file": {
            "path": str(file),
            "quantisation": version.quantisation,
            "bytes": file.stat().st_size if file.is_file() else None,
        },
        "must_rebuild": rebuild,
        "prompt": version.card.get("prompt", ""),
        "dataset": dataset_sheet(project, version),
        "run": run_sheet(project, version),
        "verdict": verdict_sheet(project.ledger.verdict(version.id)),
        "rollouts": [
            {**row, "created_at": row["created_at"].isoformat()}
            for row in history(project)
            if row["name"] == version.name
        ],
    }


def dataset_sheet(project: Project, version: ModelVersion) -> dict[str, Any] | None:
    """What it learnt from, in counts; None where that is not here any more."""
    try:
        dataset = project.ledger.dataset(version.card["dataset"]) if version.card.get("dataset") else None
    except StoreError:
        return None
    return {"id": dataset.id, **dataset.card["rows"]} if dataset else None


def run_sheet(project: Project, version: ModelVersion) -> dict[str, Any] | None:
    """How it was trained."""
    if version.run is None:
        return None
    run = project.ledger.run(version.run)
    train = run.config.get("train", {})
    return {
        "id": run.id,
        "state": run.state.value,
        "start": run.config.get("start", ""),
        "notes": run.config.get("notes", ""),
        "lora": train.get("lora", {}),
        "training": train.get("training", {}),
        "result": run.result,
    }


def verdict_sheet(verdict: Verdict | None) -> dict[str, Any] | None:
    """How it was judged."""
    if verdict is None:
        return None
    return {
        "outcome": verdict.outcome.value,
        "because": verdict.because,
        "against": verdict.a,
        "reasons": list(verdict.reasons),
        "comparisons": [asdict(one) for one in verdict.comparisons],
        "corrections": asdict(verdict.corrections) if verdict.corrections else None,
    }
