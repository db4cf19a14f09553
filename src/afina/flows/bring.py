"""An export of another tool → the ledger: looked through whole first, then taken in, in parts that can be repeated."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from afina.capture import scrub_entry
from afina.capture.importers import KINDS, Talk, entry_of, kind_of, talks
from afina.errors import InputError
from afina.files import NOTICES
from afina.flows.privacy import policy_of
from afina.flows.project import Project
from afina.ids import ClientId
from afina.privacy import Policy
from afina.progress import Stages, Tell, unheard
from afina.records import Entry

AT_ONCE, TOLD_EVERY = 2000, 500
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file of another tool, and how to read it: its kind ("" = by its first entry), columns of a table, the file with its ratings."""

    path: Path
    kind: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    ratings: Path | None = None

    def module(self) -> ModuleType:
        """What reads it.

        Raises:
            InputError: nothing does.
        """
        return KINDS[self.kind] if self.kind else KINDS["table"] if self.mapping else kind_of(self.path)

    def talks(self) -> Iterator[Talk]:
        """Its answers."""
        return talks(self.path, self.module(), mapping=self.mapping, ratings=self.ratings)


@dataclass(slots=True)
class Look:
    """What is in an export."""

    kind: str
    answers: int = 0
    conversations: int = 0
    users: int = 0
    ratings: Counter[str] = field(default_factory=Counter)
    without_id: int = 0
    repaired: int = 0
    scrubbed: Counter[str] = field(default_factory=Counter)
    first: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For a script."""
        return {
            "kind": self.kind,
            "answers": self.answers,
            "conversations": self.conversations,
            "users": self.users,
            "ratings": dict(self.ratings),
            "without_id": self.without_id,
            "repaired": self.repaired,
            "scrubbed": dict(self.scrubbed),
            "first": self.first,
        }


def look_at(export: Export, policy: Policy, *, task: str, tell: Tell = unheard) -> Look:
    """Read all of an export and store nothing.

    Raises:
        InputError: it is cut or no export, or there is no answer in it.
    """
    found = Look(export.module().NAME)
    conversations: set[str] = set()
    users: set[str] = set()
    for talk in export.talks():
        entry, repaired = entry_of(talk, client=ClientId("preview"), task=task, source=export.path.name)
        clean = scrub_entry(entry, policy)
        found.answers += 1
        if found.answers % TOLD_EVERY == 0:
            tell(found.answers, 0, "read")
        found.repaired += repaired
        found.without_id += not talk.id
        found.scrubbed.update(clean.interaction.findings)
        conversations.add(talk.conversation)
        users.add(talk.user)
        if talk.rating is not None:
            found.ratings[str(talk.rating)] += 1
        if len(found.first) < SHOWN:
            one = clean.interaction
            found.first.append(
                {"conversation": one.conversation, "text": one.text, "answer": one.answer, "rating": talk.rating}
            )
    found.conversations, found.users = len(conversations - {""}), len(users - {""})
    if not found.answers:
        raise InputError(
            f"{export.path}: no answered message in it",
            remedy="look at it with --preview --from table, or map its columns with --map",
        )
    return found


def bring(project: Project, export: Export, stages: Stages) -> tuple[int, int, Look]:
    """Take an export in. Returns how many answers are new, of how many known ones the rating is, and what was in it. Repeating it adds nothing.

    Raises:
        InputError: see `look_at`; then nothing was taken in.
    """
    policy = policy_of(project.settings.privacy, project.paths, project.client)
    with stages.stage("import") as stage:
        look = look_at(export, policy, task=project.task.name, tell=stage.tell)
        added = rated = done = 0
        for some in batches(entries(project, export, policy)):
            new, changed = project.ledger.add(some)
            added, rated, done = added + new, rated + changed, done + len(some)
            stage.tell(done, look.answers, "stored")
        if look.repaired:
            NOTICES.warning(
                "%s: %d texts had been decoded with a wrong code page, and are repaired", export.path, look.repaired
            )
        stage.note = f"{look.kind}: {added} new of {look.answers} answers, {sum(look.ratings.values())} ratings"
    return added, rated, look


def entries(project: Project, export: Export, policy: Policy) -> Iterator[Entry]:
    """Every answer as a row, without personal data; an answer that is there twice is the last one."""
    kind = export.module().NAME
    source = f"{kind}/{export.path.name}" if kind == "table" else kind  # ids of a table are the file's own
    for talk in export.talks():
        entry, _ = entry_of(talk, client=project.client, task=project.task.name, source=source)
        yield scrub_entry(entry, policy)


def batches(found: Iterator[Entry]) -> Iterator[list[Entry]]:
    """As many at once as one transaction takes well; of one id only the last."""
    while some := list(itertools.islice(found, AT_ONCE)):
        yield list({one.interaction.external_id: one for one in some}.values())
