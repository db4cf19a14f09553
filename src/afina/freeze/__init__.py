"""Examples → Dataset: split by group, named by content. Never changes a dataset."""

from afina.freeze.freeze import Earlier, content_id, freeze, require_whole
from afina.freeze.job import earlier_of, list_datasets, load_dataset, newest_dataset, save_dataset

__all__ = [
    "Earlier",
    "content_id",
    "earlier_of",
    "freeze",
    "list_datasets",
    "load_dataset",
    "newest_dataset",
    "require_whole",
    "save_dataset",
]
