"""Conversations and ratings that people have in other tools. A kind of export is a folder with `fits` (its first entry) and `read` (to answers).

An import is the same however often it is repeated: an answer's id is the export's own, or made of what was said.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from afina.capture.importers import anythingllm, langfuse, librechat, openai, openwebui, rasa, sharegpt, table
from afina.capture.importers.source import Item, items
from afina.capture.importers.talk import Talk
from afina.errors import InputError
from afina.files.damage import undamaged
from afina.ids import ClientId, FeedbackId, InteractionId, new_id
from afina.records import Entry, Feedback, FeedbackKind, Interaction, Turn

KINDS: dict[str, ModuleType] = {
    one.NAME: one for one in (openwebui, librechat, openai, sharegpt, langfuse, rasa, anythingllm, table)
}
"""In the order in which they are tried: the last one fits nearly any table."""


def kind_of(path: Path) -> ModuleType:
    """The kind of an export, by its first entry.

    Raises:
        InputError: it is none of them, or empty.
    """
    first = next(items(path), None)
    if first is None:
        raise InputError(f"{path}: nothing in it")
    found = next((one for one in KINDS.values() if one.fits(first.value)), None)
    if found is None:
        columns = (
            ", ".join(map(str, list(first.value)[:12])) if isinstance(first.value, dict) else type(first.value).__name__
        )
        raise InputError(
            f"{path}: no export that is known: its first entry has {columns}",
            remedy=f"name the kind with --from ({', '.join(KINDS)}), or say which columns are which with --map text=… --map answer=…",
        )
    return found


def talks(
    path: Path, kind: ModuleType, *, mapping: Mapping[str, str] | None = None, ratings: Path | None = None
) -> Iterator[Talk]:
    """Every answer of an export. `mapping`: field → column of a table; `ratings`: the file that a tool keeps them in apart from the conversations.

    Raises:
        InputError: the file ends in the middle, or a mapped column is not there.
    """
    found = items(path)
    read = table.read(mapped(path, found, mapping or {}), mapping) if kind is table else kind.read(found)
    if ratings is None:
        yield from read
        return
    if not hasattr(kind, "ratings"):
        raise InputError(f"{ratings}: the ratings of {kind.NAME} stand in its export", remedy="leave --ratings away")
    known = kind.ratings(items(ratings))
    for talk in read:
        rating, comment = known.get(talk.id, (talk.rating, talk.comment))
        yield replace(talk, rating=rating, comment=comment)


def mapped(path: Path, found: Iterable[Item], mapping: Mapping[str, str]) -> Iterator[Item]:
    """Rows whose first one has every column that a person named.

    Raises:
        InputError: it lacks one.
    """
    for number, item in enumerate(found):
        if number == 0:
            missing = sorted(set(mapping.values()) - set(item.value if isinstance(item.value, dict) else {}))
            if missing:
                there = ", ".join(map(str, item.value)) if isinstance(item.value, dict) else "no columns"
                raise InputError(f"{path}: no column {missing[0]!r}", remedy=f"the columns are: {there}")
        yield item


def entry_of(talk: Talk, *, client: ClientId, task: str, source: str) -> tuple[Entry, int]:
    """One answer as traffic with its rating, and how many of its texts were damaged and are right now."""
    turns = tuple(Turn(one.role, undamaged(one.content)) for one in talk.turns)
    answer, comment = undamaged(talk.answer), undamaged(talk.comment)
    repaired = (
        sum(a.content != b.content for a, b in zip(turns, talk.turns, strict=True))
        + (answer != talk.answer)
        + (comment != talk.comment)
    )
    said = "\x1f".join([talk.conversation, *(f"{one.role}\x1e{one.content}" for one in talk.turns), talk.answer])
    interaction = Interaction(
        id=InteractionId(new_id("int")),
        client=client,
        user=talk.user,
        conversation=talk.conversation,
        text=turns[-1].content,
        context=turns[:-1],
        answer=answer,
        task=task,
        source=source,
        facts=dict(talk.facts),
        created_at=talk.at,
        external_id=talk.id or blake2b(said.encode("utf-8", "replace"), digest_size=12).hexdigest(),
    )
    feedback = None
    if talk.rating is not None or comment:
        feedback = Feedback(
            id=FeedbackId(new_id("fbk")),
            client=client,
            interaction=interaction.id,
            value={},
            reviewer=talk.user,
            comment=comment,
            kind=FeedbackKind.COMMENT if talk.rating is None else FeedbackKind.RATED,
            rating=talk.rating,
            created_at=talk.at,
        )
    return Entry(interaction=interaction, feedback=feedback, line=talk.line), repaired


__all__ = ["KINDS", "Talk", "entry_of", "kind_of", "talks"]
