"""Exchange → Example, or a rejection with its step and reason. Drops nothing silently."""

from afina.curate.curate import Opening, curate, curate_over
from afina.curate.job import curations, history, judged_of, kept_examples, save_curated
from afina.curate.review import agreement, save_suspects
from afina.curate.steps import OF_TABLES, Plan, make_plan

__all__ = [
    "OF_TABLES",
    "Opening",
    "Plan",
    "agreement",
    "curate",
    "curate_over",
    "curations",
    "history",
    "judged_of",
    "kept_examples",
    "make_plan",
    "save_curated",
    "save_suspects",
]
