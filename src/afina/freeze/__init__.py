"""Examples → Dataset: split by group, named by content. Never changes a dataset."""

from afina.freeze.freeze import Earlier, content_id, freeze, require_whole
from afina.freeze.job import earlier_of, list_datasets, load_dataset, newest_dataset, once_trained, save_dataset
from afina.freeze.replay import replayed, training_rows, with_training

__all__ = [
    "Earlier",
    "content_id",
    "earlier_of",
    "freeze",
    "list_datasets",
    "load_dataset",
    "newest_dataset",
    "once_trained",
    "replayed",
    "require_whole",
    "save_dataset",
    "training_rows",
    "with_training",
]
