"""Take a file in."""

from collections import Counter
from pathlib import Path

from afina.capture import read_entries, scrub_entry
from afina.files import NOTICES
from afina.flows.privacy import policy_of
from afina.flows.project import Project
from afina.progress import Stages
from afina.records import Entry

SURELY_FITS = 0.25
"""A text of so many characters for each token of the limit is not measured: no tokenizer makes four tokens of a character."""


def import_file(project: Project, file: Path, stages: Stages) -> tuple[int, list[str]]:
    """Rows of a file. Returns how many were new, and what looks wrong with their decisions, which is also said."""
    with stages.stage("import") as stage:
        found = read_entries(file, project.task, client=project.client)
        notices = project.task.kind.notices((one.line, one.feedback.value) for one in found if one.feedback)
        for notice in notices:
            NOTICES.warning("%s: %s", file, notice)
        policy = policy_of(project.settings.privacy, project.paths, project.client)
        found = told_changes(file, found, [scrub_entry(one, policy) for one in found])
        added, changed = project.ledger.add(found)
        again = f", {changed} decided anew" if changed else ""
        scrubbed = sum((Counter(one.interaction.findings) for one in found), Counter())
        said = ", ".join(f"{n} {kind}" for kind, n in scrubbed.most_common())
        stage.note = f"{added} new of {len(found)} rows{again}" + (f"; scrubbed {said}" if said else "")
    return added, notices


def told_changes(file: Path, before: list[Entry], after: list[Entry]) -> list[Entry]:
    """The scrubbed rows; that right answers were changed is said, because a task may be to find just that."""
    changed = [
        a.line
        for a, b in zip(before, after, strict=True)
        if a.feedback and b.feedback and a.feedback.value != b.feedback.value
    ]
    if changed:
        NOTICES.warning(
            "%s: %d right answers held personal data, which were taken out (line %d); [privacy] types says what stays",
            file,
            len(changed),
            changed[0],
        )
    return after
