"""Adapter → merged model → GGUF → quantised GGUF with its Modelfile, checked to answer like the model it was made from.

The door holds what needs no torch; `export` and `parity` are imported by their own names.
"""

from afina.export.job import (
    change_card,
    get_base_version,
    get_version,
    list_versions,
    name_of_run,
    next_name,
    register_version,
)

__all__ = [
    "change_card",
    "get_base_version",
    "get_version",
    "list_versions",
    "name_of_run",
    "next_name",
    "register_version",
]
