"""Examples → Dataset: split without leaks, content-addressed, never changed again.

`freeze` itself is imported by its own name, because it loads scikit-learn.
"""

from afina.freeze.job import kept_parts, load_dataset, newest_dataset, save_dataset

__all__ = ["kept_parts", "load_dataset", "newest_dataset", "save_dataset"]
