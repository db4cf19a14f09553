"""The quality rules, as a line of named checks."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from afina.ids import ExampleId
from afina.records import Example, Fields, Rejection
from afina.settings import CurateSettings

WORDS = re.compile(r"\w+", re.UNICODE)


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


def normalised(text: str) -> str:
    """Words only, without case and accents: what makes two messages 'the same'."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(WORDS.findall("".join(c for c in plain if not unicodedata.combining(c))))


def fingerprint(text: str) -> bytes:
    """Hash of the normalised text. A message without any word is compared as it stands."""
    return blake2b((normalised(text) or text).encode(), digest_size=16).digest()


def broken_rule(candidate: Candidate, settings: CurateSettings) -> str:
    """The first rule a candidate breaks on its own; empty if none."""
    text = candidate.text.strip()
    if len(text) < settings.min_chars:
        return f"shorter than {settings.min_chars} characters"
    if len(text) > settings.max_chars:
        return f"longer than {settings.max_chars} characters"
    if "\x00" in text or "\ufffd" in text:
        return "damaged characters"
    missing = [name for name, label in candidate.target.items() if not label.strip()]
    return f"no label for {', '.join(missing)}" if missing else ""


def curate(candidates: Sequence[Candidate], settings: CurateSettings) -> Curated:
    """Apply the rules. Of equal messages the newest is kept, because it holds the latest decision."""
    rejections = []
    newest: dict[bytes, Candidate] = {}
    for candidate in candidates:
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
            text=unicodedata.normalize("NFC", c.text.strip()),
            target=c.target,
            group=c.group or c.id,
            source=c.id,
        )
        for c in newest.values()
    )
    return Curated(examples, tuple(rejections))
