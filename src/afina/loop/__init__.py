"""What follows what: the circle on one page."""

from afina.loop.policy import Standing, Step, next_step

__all__ = ["Standing", "Step", "next_step"]
