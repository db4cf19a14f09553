"""The quality rules, as a line of named checks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from afina.files.damage import damage
from afina.ids import ExampleId
from afina.records import Example, Fields, Rejection
from afina.sameness import composed, label, message_key
from afina.settings import CurateSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A reviewed message before any rule has seen it. Later candidates are newer."""

    id: str
    text: str
    target: Fields
    group: str = ""


@dataclass(frozen=True, slots=True)
class Curated:
    """What passed and what did not. Together they are as many as came in."""

    examples: tuple[Example, ...]
    rejections: tuple[Rejection, ...]


def fingerprint(text: str) -> bytes:
    """Equal for the same message."""
    return blake2b(message_key(text).encode(), digest_size=16).digest()


def clean_target(target: Fields) -> Fields:
    """A decision with its labels in their one spelling."""
    return {name: label(value) for name, value in target.items()}


def broken_rule(candidate: Candidate, settings: CurateSettings) -> str:
    """The first rule a candidate breaks on its own; empty if none."""
    text = candidate.text.strip()
    if len(text) < settings.min_chars:
        return f"shorter than {settings.min_chars} characters"
    if len(text) > settings.max_chars:
        return f"longer than {settings.max_chars} characters"
    if broken := damage(text):
        return broken
    missing = [name for name, value in candidate.target.items() if not label(value)]
    if missing:
        return f"no label for {', '.join(missing)}"
    return next((f"{name}: {broken}" for name, value in candidate.target.items() if (broken := damage(value))), "")


def curate(candidates: Sequence[Candidate], settings: CurateSettings) -> Curated:
    """Apply the rules. Of equal messages the newest is kept, because it holds the latest decision."""
    rejections = []
    newest: dict[bytes, Candidate] = {}
    for candidate in (replace(one, target=clean_target(one.target)) for one in candidates):
        reason = broken_rule(candidate, settings)
        if reason:
            rejections.append(Rejection(text=candidate.text, reason=reason, source=candidate.id))
            continue
        key = fingerprint(candidate.text)
        older = newest.get(key)
        if older is not None:
            same = older.target == candidate.target
            why = (
                "exact duplicate of a newer message" if same else "contradicted by a newer decision on the same message"
            )
            rejections.append(Rejection(text=older.text, reason=why, source=older.id))
            del newest[key]  # so that the order of what is kept is the order of its newest copy
        newest[key] = candidate
    examples = tuple(
        Example(
            id=ExampleId(c.id),
            text=composed(c.text.strip()),
            target=c.target,
            group=c.group or c.id,
            source=c.id,
        )
        for c in newest.values()
    )
    return Curated(examples, tuple(rejections))
