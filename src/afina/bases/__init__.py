"""Model folders: the built-in base, local folders and pulled ones, found and checked; `load` loads them."""

from afina.bases.folder import check_folder, resolve_base

__all__ = ["check_folder", "resolve_base"]
