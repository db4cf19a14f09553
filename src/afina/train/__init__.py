"""Dataset + base → LoRA adapter, by one visible loop on the CPU.

The door holds what needs no torch; `encode` and `loop` are imported by their own names.
"""

from afina.train.job import get_run, move_run, newest_run, plan_run
from afina.train.states import sources

__all__ = ["get_run", "move_run", "newest_run", "plan_run", "sources"]
