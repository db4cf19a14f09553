"""What follows what: the only room that knows the circle."""

from afina.loop.narrate import Narrator, Silent, Stages

__all__ = ["Narrator", "Silent", "Stages"]
