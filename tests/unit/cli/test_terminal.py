"""What a person sees on a terminal."""

import io

from rich.console import Console

from afina.cli.terminal import TerminalNarrator
from afina.progress import Stages


def test_a_stage_shows_progress_on_a_terminal_and_leaves_one_line() -> None:
    """Before the total is known, while it moves, and at the end."""
    out = io.StringIO()
    narrator = TerminalNarrator(
        Console(file=out, force_terminal=True, width=120, force_interactive=True, highlight=False)
    )
    stages = Stages(narrator)

    with stages.stage("train") as stage:
        assert narrator.bar is not None
        narrator.bar.refresh()
        narrator.progress(3, 10, "loss 0.5")
        narrator.bar.refresh()
        stage.note = "10 steps"

    shown = out.getvalue()
    assert "ETA" in shown
    assert "10 steps" in shown


def test_without_a_terminal_there_are_only_lines() -> None:
    """A log file gets no control characters."""
    out = io.StringIO()
    stages = Stages(TerminalNarrator(Console(file=out, force_terminal=False, width=120)))

    with stages.stage("train"):
        stages.narrator.progress(3, 10)

    assert "\x1b" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 2
