"""Files and traffic → Interaction and Feedback, and both together as exchanges. Judges nothing, blocks no reply."""

from afina.capture.entries import read_entries
from afina.capture.recorder import Recorder
from afina.capture.table import (
    add_feedback,
    count_interactions,
    load_exchanges,
    record_interactions,
    save_entries,
    unreviewed,
)

__all__ = [
    "Recorder",
    "add_feedback",
    "count_interactions",
    "load_exchanges",
    "read_entries",
    "record_interactions",
    "save_entries",
    "unreviewed",
]
