"""Model versions of a project."""

from typing import Any

from afina.export import get_version
from afina.loop.project import Project
from afina.records import ModelVersion
from afina.store.paths import read_json


def find_version(project: Project, name: str | None) -> ModelVersion:
    """A version by name or id; the newest tuned one without."""
    with project.session() as session:
        return get_version(session, name, task=project.task)


def stored_report(project: Project, version: ModelVersion) -> dict[str, Any]:
    """The report written when the version was evaluated."""
    report: dict[str, Any] = read_json(project.paths.model(version.id) / "report.json")
    return report
