"""Files and traffic → Interaction and Feedback, and both together as exchanges. Judges nothing, blocks no reply."""

from afina.capture.entries import read_entries
from afina.capture.reactions import score_reactions
from afina.capture.recorder import Kept, Recorder
from afina.capture.scrubbing import scrub_entry, scrub_exchange, scrub_feedback, scrub_interaction
from afina.capture.spool import Spool, SpoolOptions
from afina.capture.table import (
    add_feedback,
    count_interactions,
    is_conversation,
    is_of_user,
    load_exchanges,
    record_interactions,
    save_entries,
    unreviewed,
)

__all__ = [
    "Kept",
    "Recorder",
    "Spool",
    "SpoolOptions",
    "add_feedback",
    "count_interactions",
    "is_conversation",
    "is_of_user",
    "load_exchanges",
    "read_entries",
    "record_interactions",
    "save_entries",
    "score_reactions",
    "scrub_entry",
    "scrub_exchange",
    "scrub_feedback",
    "scrub_interaction",
    "unreviewed",
]
