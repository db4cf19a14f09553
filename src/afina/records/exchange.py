"""One answer with all that is known of it, as curation takes it."""

from dataclasses import dataclass, field
from typing import Any

from afina.records.examples import Judged
from afina.records.traffic import FeedbackKind, Fields, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """All that is known of one answer when examples are made of it."""

    id: str
    """The interaction's."""
    turns: tuple[Turn, ...]
    """Up to and with the message that was answered."""
    answer: str
    kind: FeedbackKind | None = None
    """The latest feedback; None = nobody gave any."""
    value: Fields = field(default_factory=dict)
    reaction: str = ""
    quality: int | None = None
    """By the best evidence that was recorded, 1 to 5; None = none was, and the reaction is to be read."""
    evidence: str = ""
    """Of the quality: rating, sale, or the rule that read the reaction."""
    group: str = ""
    """The user or the conversation; empty = unknown."""
    facts: dict[str, Any] = field(default_factory=dict)
    user: str = ""
    conversation: str = ""
    source: str = ""
    confidence: float | None = None
    latency_ms: float | None = None
    error: str = ""
    findings: dict[str, int] = field(default_factory=dict)
    at: str = ""
    """When it was said, ISO 8601."""
    judged: tuple[Judged, ...] = ()
    """What the last curation made of it."""

    @property
    def message(self) -> str:
        """The message that was answered."""
        return self.turns[-1].content if self.turns else ""
