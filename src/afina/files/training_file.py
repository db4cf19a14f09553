"""Curated examples as the file that document 003 trains from: chosen, written whole, the newest one under a name of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from afina.errors import InputError
from afina.files.rows import as_lines
from afina.files.training_forms import FORMS
from afina.records import Example
from afina.store.paths import write_whole


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


def write_training_file(examples: Sequence[Example], prompt: str, folder: Path) -> Path:
    """`training-dataset-<time>.jsonl`, and `training-dataset-latest.jsonl` with the same rows.

    Raises:
        InputError: there is nothing to write. DiskFullError: the disk is full; nothing half-written is there then.
    """
    rows = [row for example in examples for row in FORMS["chat"](example, prompt)]
    if not rows:
        raise InputError(
            "nothing to export: no curated example is as wanted", remedy="run `afina curate`, or ask for more"
        )
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"training-dataset-{at}.jsonl"
    write_whole(path, as_lines(rows))
    write_whole(folder / "training-dataset-latest.jsonl", as_lines(rows))
    return path
