"""Model versions of a project."""

from typing import Any

from afina.flows.project import Project
from afina.records import ModelVersion
from afina.store.paths import read_json


def stored_report(project: Project, version: ModelVersion) -> dict[str, Any]:
    """The report written when the version was evaluated.

    Raises:
        StoreError: it was not evaluated.
    """
    report: dict[str, Any] = read_json(project.paths.model(version.id) / "report.json")
    return report
