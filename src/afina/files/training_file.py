"""Which curated examples are wanted in a training file."""

from dataclasses import dataclass

from afina.records import Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which examples are wanted: of these intents (classes, categories), with at least this confidence, said in this time (days or moments,
    ISO 8601, both included).
    """

    intents: tuple[str, ...] = ()
    min_confidence: float | None = None
    since: str = ""
    until: str = ""

    def holds(self, example: Example) -> bool:
        """Whether an example is among them."""
        origin, classes = example.origin, {*example.stratum.split("\x1f"), str(example.facts.get("category", ""))}
        sure = self.min_confidence is None or (
            origin.confidence is not None and origin.confidence >= self.min_confidence
        )
        late = not self.since or origin.at >= self.since
        early = not self.until or (bool(origin.at) and origin.at[: len(self.until)] <= self.until)
        return sure and late and early and (not self.intents or bool(set(self.intents) & classes))
