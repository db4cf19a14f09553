"""Import and curate on a project: load → call → save → record."""

from collections import Counter
from pathlib import Path

from afina.capture import read_corrections, save_corrections
from afina.curate import class_name_notices, curate_task
from afina.files import NOTICES
from afina.loop.narrate import Stages
from afina.loop.project import Project


def import_file(project: Project, file: Path, stages: Stages) -> int:
    """Reviewed messages from a file. Returns how many were new."""
    with stages.stage("import"):
        found = read_corrections(file, client=project.client, task=project.task, fields=project.settings.project.fields)
        for notice in class_name_notices((one.line, one.feedback.value) for one in found):
            NOTICES.warning("%s: %s", file, notice)
        with project.session() as session:
            added, changed = save_corrections(session, found)
        again = f", {changed} decided anew" if changed else ""
        stages.note = f"{added} new of {len(found)} messages{again}"
    return added


def curate_project(project: Project, stages: Stages) -> dict[str, int]:
    """Apply the quality rules. Returns kept and rejected by reason."""
    with stages.stage("curate"):
        with project.session() as session:
            curated = curate_task(
                session, task=project.task, fields=project.settings.project.fields, settings=project.settings.curate
            )
        counts = {"kept": len(curated.examples), **Counter(r.reason for r in curated.rejections)}
        stages.note = ", ".join(f"{n} {what}" for what, n in counts.items())
    return counts
