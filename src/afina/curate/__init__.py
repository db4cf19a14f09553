"""Reviewed messages → Example, or a rejection with its reason. Nothing is dropped silently."""

from afina.curate.class_names import class_name_notices
from afina.curate.curate import Candidate, Curated, curate
from afina.curate.job import curate_task, kept_examples

__all__ = ["Candidate", "Curated", "class_name_notices", "curate", "curate_task", "kept_examples"]
