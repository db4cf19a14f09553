"""The command line: reads flags, calls, prints. Holds no rules."""

from afina.cli.main import run

__all__ = ["run"]
