"""An id → everything it came from, and everything it reached."""

from afina.lineage.trace import Node, reached, why

__all__ = ["Node", "reached", "why"]
