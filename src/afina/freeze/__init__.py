"""Examples → Dataset: split by group, named by content. Never changes a dataset."""

from afina.freeze.job import kept_parts, load_dataset, newest_dataset, save_dataset

__all__ = ["kept_parts", "load_dataset", "newest_dataset", "save_dataset"]
