"""Settings → running parts: the only room that builds real adapters. Others do not import it."""

from afina.wiring.project import connect, open_project, read_project

__all__ = ["connect", "open_project", "read_project"]
