"""Base models: found by name and checked; `load` loads folders."""

from afina.bases.folder import check_folder
from afina.bases.resolve import resolve_base

__all__ = ["check_folder", "resolve_base"]
