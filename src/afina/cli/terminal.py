"""What a person sees: stages with progress and ETA, tables, errors."""

import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from afina.errors import AfinaError
from afina.progress import Silent, Stages
from afina.texts import t

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)


class TerminalNarrator:
    """A line a stage; a live bar with ETA while it runs, when there is a terminal."""

    def __init__(self, console: Console = ERR) -> None:
        self.console = console
        self.bar: Progress | None = None
        self.row: TaskID | None = None
        self.stage = ""

    def begin(self, stage: str) -> None:
        """Open the bar."""
        self.stage = stage
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self.console,
            transient=True,
        )
        self.row = self.bar.add_task(t(stage), total=None, note="")
        if self.console.is_terminal:
            self.bar.start()
        else:
            self.console.print(f"… {t(stage)}")

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        if self.bar is not None and self.row is not None:
            self.bar.update(self.row, completed=done, total=total, note=t(note))

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None and self.console.is_terminal:
            self.bar.stop()
        self.bar = None

    def end(self, note: str, seconds: float) -> None:
        """One line that stays."""
        self.close()
        self.console.print(f"[green]✓[/] {t(self.stage):<10} {t(note)}  [dim]{seconds:.1f} s[/]")

    def fail(self) -> None:
        """One line that stays."""
        self.close()
        self.console.print(f"[red]✗[/] {t(self.stage)}")


def stages(as_json: bool = False) -> Stages:
    """Narrated stages, or silent ones when a script reads the output."""
    return Stages(Silent() if as_json else TerminalNarrator())


def show_error(error: AfinaError) -> None:
    """What is wrong, and what to do."""
    ERR.print(f"[bold red]{t('error')}:[/] {escape(t(str(error)))}", soft_wrap=True)
    if error.remedy:
        ERR.print(f"  → {escape(t(error.remedy))}", soft_wrap=True)


def escape(text: str) -> str:
    """Text that rich must not read as markup."""
    return text.replace("[", "\\[")


def print_json(value: Any) -> None:
    """Plain JSON on standard output, for scripts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


Cell = Callable[[dict[str, Any]], str]
"""An arm of a report → a cell of its row."""


def score_cell(arm: dict[str, Any]) -> str:
    """Score with its 95 % interval: shares in per cent, what can lie below 0 as it is."""
    if "score" not in arm:
        return ""
    if arm["low"] < 0:
        return f"{arm['score']:.2f} [dim]{arm['low']:.2f} … {arm['high']:.2f}[/]"
    return f"{arm['score']:.1%} [dim]{arm['low']:.0%}–{arm['high']:.0%}[/]"


def mean_cell(name: str, digits: int) -> Cell:
    """The mean of another measure, where the arm has it."""
    return lambda arm: f"{arm[name]['score']:.{digits}f}" if arm.get(name) else ""


def report_table(entry: dict[str, Any]) -> Table:
    """Base, baselines and tuned model side by side: the task's first measure, and those that there are besides."""
    tuned = entry["tuned"]
    columns: list[tuple[str, Cell]] = [(f"{t(METRIC_NAMES.get(entry['metric'], entry['metric']))} (95 %)", score_cell)]
    columns += [(heading, mean_cell(name, digits)) for name, heading, digits in MORE if tuned.get(name)]
    table = Table(title=f"{entry['task']}: {tuned['n']} {t('held-out items')}", title_justify="left", box=None)
    table.add_column(t("model"))
    for heading, _ in columns:
        table.add_column(t(heading), justify="right")
    for name, arm in [("base", entry["base"]), *entry["baselines"].items(), ("tuned", tuned)]:
        shown = f"[bold]{t(name)}[/]" if name == "tuned" else t(name)
        table.add_row(shown, *(cell(arm) for _, cell in columns))
    return table


METRIC_NAMES = {"fields": "all fields right", "chrf": "chrF", "slot_f1": "slot F1", "log_likelihood": "log p/token"}
MORE = (("macro_f1", "macro-F1", 3), ("log_likelihood", "log p/token", 2))
"""Measures beside the first: key, heading, digits."""
COLOURS = {"go": "green", "no-go": "red", "cannot tell": "yellow"}


def print_report(report: dict[str, Any]) -> None:
    """Every task: the outcome and why, then the table and the served file. All figures are on the page."""
    for entry in report["tasks"]:
        verdict = entry["verdict"]
        OUT.print(f"\n[bold {COLOURS[verdict]}]{t('verdict')}: {t(verdict)}[/]  {escape(t(entry['because']))}")
        OUT.print(report_table(entry))
        served = f"{entry['gguf_bytes'] / 1e6:.1f} MB {entry['quantisation']}"
        speed = f"{entry['tokens_per_s']:.0f} tokens/s, {entry['peak_rss_mb']:.0f} MB RAM"
        OUT.print(f"[dim]{t('served file')}: {served}, {speed}[/]")
        for notice in entry.get("notices", ()):
            OUT.print(f"  {escape(t(notice))}")
