"""What differs between kinds of task, and nothing else: one file a kind behind one Protocol. Opens no files, asks no models."""

from afina.tasks.kind import Kind, Rule, Said, Task
from afina.tasks.registry import KINDS, find_kind, make_task

__all__ = ["KINDS", "Kind", "Rule", "Said", "Task", "find_kind", "make_task"]
