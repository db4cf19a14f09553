"""Exchange → Example, or a rejection with its reason. Drops nothing silently."""

from afina.curate.curate import curate
from afina.curate.job import kept_examples, save_curated

__all__ = ["curate", "kept_examples", "save_curated"]
