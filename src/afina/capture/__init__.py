"""Files and traffic → Interaction and Feedback. Judges nothing, blocks no reply."""

from afina.capture.corrections import Correction, read_corrections
from afina.capture.recorder import Recorder
from afina.capture.table import add_feedback, count_interactions, record_interactions, save_corrections, unreviewed

__all__ = [
    "Correction",
    "Recorder",
    "add_feedback",
    "count_interactions",
    "read_corrections",
    "record_interactions",
    "save_corrections",
    "unreviewed",
]
